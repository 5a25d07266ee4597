CREATE TABLE "tokenkeep_schema" (table_name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;
CREATE TABLE "oauthtoken" (
      position INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      user_name TEXT,
      client_id TEXT,
      client_secret TEXT,
      refresh_token TEXT,
      access_token TEXT,
      grant_token TEXT,
      expiry_time INTEGER,
      redirect_url TEXT,
      api_domain TEXT,
      scope TEXT,
      token_type TEXT,
      version INTEGER NOT NULL,
      extra TEXT
    ) STRICT;
CREATE UNIQUE INDEX "oauthtoken.user_name" ON "oauthtoken" (user_name, client_id) WHERE user_name IS NOT NULL;
CREATE INDEX "oauthtoken.access_token" ON "oauthtoken" (access_token) WHERE access_token IS NOT NULL;
CREATE INDEX "oauthtoken.grant_token" ON "oauthtoken" (grant_token) WHERE grant_token IS NOT NULL;
CREATE INDEX "oauthtoken.refresh_token" ON "oauthtoken" (refresh_token) WHERE refresh_token IS NOT NULL;
INSERT INTO tokenkeep_schema VALUES ('oauthtoken', 1);
INSERT INTO oauthtoken VALUES (1, 'given', 'ada', 'c1', 's', '1000.ada', '1000.access', NULL, 1900000000000, NULL, NULL, 'second save', NULL, 2, '{"instance":"é\u0000","nested":[1,null]}');
INSERT INTO oauthtoken VALUES (2, '82e685f6d2e1719396f3fdba619e5bcd', 'ada', 'c2', NULL, '1000.ada2', NULL, NULL, NULL, 'https://app', 'https://api', 'read', 'Bearer', 1, NULL);
INSERT INTO oauthtoken VALUES (3, '5fcc969c0dbb85f4988d6e9629ff4946', NULL, NULL, NULL, NULL, NULL, 'grant of nobody', NULL, NULL, NULL, NULL, NULL, 1, NULL);
