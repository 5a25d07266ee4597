import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';

const definition: TokenStoreDefinition = defineTokenStore({
  name: 'a store whose server is down',
  location: () => 'nowhere',
  open: () => {
    throw new Error('nobody listens there');
  },
  versions: true,
  durable: false,
  shared: false,
  iterable: false,
});
export default definition;
