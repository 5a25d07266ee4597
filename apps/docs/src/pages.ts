/** A page of the site that is a file of the repository. */
export interface Page {
  readonly title: string;
  /** Path in the repository. */
  readonly file: string;
  /** Path on the site, without `.md`. */
  readonly route: string;
}

export interface Group {
  readonly title: string;
  readonly pages: readonly Page[];
}

const page = (title: string, file: string, route: string): Page => ({ title, file, route });

const store = (name: string, title: string): Page =>
  page(title, `packages/${name}/README.md`, `stores/${name}`);

/** Everything on the site but its first page, the errors and the API, in the order of the sidebar. */
export const GROUPS: readonly Group[] = [
  {
    title: 'Begin',
    pages: [
      page('Start in five minutes', 'docs/start.md', 'start'),
      page('Bundlers and Next.js', 'docs/bundlers.md', 'bundlers'),
      page('Valid access tokens', 'packages/keeper/README.md', 'access-tokens'),
      page('How tokens are refreshed', 'docs/keeper.md', 'keeper'),
    ],
  },
  {
    title: 'Stores',
    pages: [
      store('sqlite', 'SQLite'),
      store('file', 'File'),
      store('mysql', 'MySQL and MariaDB'),
      store('postgres', 'PostgreSQL'),
      store('redis', 'Redis and Valkey'),
      store('mongo', 'MongoDB'),
      store('firestore', 'Firestore'),
      store('dynamodb', 'DynamoDB'),
      store('aws-secrets-manager', 'AWS Secrets Manager'),
      store('memory', 'Memory'),
      store('list', 'List'),
    ],
  },
  {
    title: 'Zoho CRM',
    pages: [
      page('The bridge to the SDKs', 'packages/zoho/README.md', 'zoho'),
      page(
        "From the vendor's stores to ours",
        'docs/from-the-vendors-stores.md',
        'from-the-vendors-stores',
      ),
      page("The vendor's stores, checked", 'docs/vendor-stores.md', 'vendor-stores'),
    ],
  },
  {
    title: 'A store of your own',
    pages: [
      page('Check your own store', 'packages/conformance/README.md', 'check-your-store'),
      page('Write an adapter', 'docs/write-an-adapter.md', 'write-an-adapter'),
      page('Begin one by command', 'packages/create-store/README.md', 'create-store'),
    ],
  },
  {
    title: 'Reference',
    pages: [
      page('The contract', 'docs/contract.md', 'contract'),
      page('The core', 'packages/core/README.md', 'core'),
      page('Architecture', 'docs/architecture.md', 'architecture'),
      page('Security model', 'docs/security-model.md', 'security-model'),
    ],
  },
  {
    title: 'Project',
    pages: [
      page('Contributing', 'CONTRIBUTING.md', 'contributing'),
      page('Releasing', 'docs/releasing.md', 'releasing'),
      page('Reporting a fault in security', 'SECURITY.md', 'security'),
      page('Code of conduct', 'CODE_OF_CONDUCT.md', 'code-of-conduct'),
    ],
  },
];

export const PAGES: readonly Page[] = GROUPS.flatMap(({ pages }) => pages);
