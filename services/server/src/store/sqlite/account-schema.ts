/** The third step of the migrations (schema.ts): accounts and what belongs to them, channels, blobs. Never edited. */
export const accountTables = `
  CREATE TABLE account (
    username TEXT PRIMARY KEY,
    identity BLOB NOT NULL UNIQUE,
    record BLOB NOT NULL,
    stretching INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  -- In the order of id: of registration.
  CREATE TABLE device (
    id INTEGER PRIMARY KEY,
    identity BLOB NOT NULL,
    device_id BLOB NOT NULL,
    device_key BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    signature BLOB NOT NULL,
    registered_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX device_of_identity ON device (identity, device_id);

  -- In the order of id: of issue.
  CREATE TABLE token (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    identity BLOB NOT NULL,
    acts_for BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX token_of_identity ON token (identity, id);
  CREATE INDEX token_by_expiry ON token (expires_at);

  CREATE TABLE endpoint (identity BLOB PRIMARY KEY, endpoint BLOB NOT NULL, expires_at INTEGER NOT NULL) STRICT;
  CREATE INDEX endpoint_by_expiry ON endpoint (expires_at);

  CREATE TABLE delivery_token (identity BLOB PRIMARY KEY, hash BLOB NOT NULL) STRICT;

  CREATE TABLE block (owner BLOB NOT NULL, sender BLOB NOT NULL, PRIMARY KEY (owner, sender)) STRICT, WITHOUT ROWID;

  -- Members ascending by byte.
  CREATE TABLE channel (id BLOB PRIMARY KEY, one BLOB NOT NULL, other BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX channel_of_pair ON channel (one, other);
  CREATE INDEX channel_of_other ON channel (other);

  -- Uploads, and the blobs they become. AUTOINCREMENT: an id names one upload for good. Without blob_id: given up, and
  -- only to be swept.
  CREATE TABLE blob (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner BLOB NOT NULL,
    blob_id BLOB,
    total_size INTEGER NOT NULL,
    mime_type TEXT NOT NULL,
    received INTEGER NOT NULL,
    is_complete INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX blob_of_owner ON blob (owner, blob_id);
  CREATE INDEX blob_by_id ON blob (blob_id) WHERE is_complete = 1;
  CREATE INDEX blob_by_expiry ON blob (expires_at);

  -- 256 KiB each, the last one less, whatever the chunks were that brought them.
  CREATE TABLE blob_piece (
    id INTEGER PRIMARY KEY,
    upload_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    body BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX blob_piece_of_upload ON blob_piece (upload_id, number);

  -- Keys of deleted accounts and their devices, whose rows in the other tables are still to go.
  CREATE TABLE erasure (key BLOB PRIMARY KEY, owner BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX erasure_of_owner ON erasure (owner);
`;
