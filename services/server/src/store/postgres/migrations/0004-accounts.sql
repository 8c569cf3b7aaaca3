-- Accounts and what belongs to them, and channels. What changes one account waits for what changes it meanwhile, by
-- advisory locks on the hashes of the names it touches ("qpq" is the locks' other half), taken in ascending order; each
-- look behind them is a statement of its own and sees what was committed before.

CREATE TABLE account (
  -- by the bytes of its UTF-8
  username text COLLATE "C" PRIMARY KEY,
  identity bytea NOT NULL UNIQUE,
  record bytea NOT NULL,
  stretching int NOT NULL,
  created_at bigint NOT NULL,
  disabled boolean NOT NULL DEFAULT false
) WITH (fillfactor = 90);

-- In the order of id: of registration.
CREATE TABLE device (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  identity bytea NOT NULL,
  device_id bytea NOT NULL,
  device_key bytea NOT NULL UNIQUE,
  name text NOT NULL,
  signature bytea NOT NULL,
  registered_at bigint NOT NULL
);
CREATE UNIQUE INDEX device_of_identity ON device (identity, device_id);

-- In the order of id: of issue.
CREATE TABLE token (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash bytea NOT NULL UNIQUE,
  identity bytea NOT NULL,
  acts_for bytea NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX token_of_identity ON token (identity, id);
CREATE INDEX token_by_expiry ON token (expires_at);

CREATE TABLE endpoint (identity bytea PRIMARY KEY, endpoint bytea NOT NULL, expires_at bigint NOT NULL)
  WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX endpoint_by_expiry ON endpoint (expires_at);

CREATE TABLE delivery_token (identity bytea PRIMARY KEY, hash bytea NOT NULL);

CREATE TABLE block (owner bytea NOT NULL, sender bytea NOT NULL, PRIMARY KEY (owner, sender));

-- Members ascending by byte.
CREATE TABLE channel (id bytea PRIMARY KEY, one bytea NOT NULL, other bytea NOT NULL);
CREATE UNIQUE INDEX channel_of_pair ON channel (one, other);
CREATE INDEX channel_of_other ON channel (other);

-- Keys of deleted accounts and their devices, whose rows in the other tables are still to go.
CREATE TABLE erasure (key bytea PRIMARY KEY, owner bytea NOT NULL);
CREATE INDEX erasure_of_owner ON erasure (owner);

-- A name is an identity or device key in hex, or "user " and a username.
CREATE FUNCTION lock_names(VARIADIC p_names text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  hash int;
BEGIN
  FOR hash IN SELECT DISTINCT hashtext(n) FROM unnest(p_names) n ORDER BY 1 LOOP
    PERFORM pg_advisory_xact_lock(7434353, hash);
  END LOOP;
END $$;

CREATE FUNCTION put_account(
  p_username text, p_identity bytea, p_record bytea, p_stretching int, p_created_at bigint
) RETURNS text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  known bytea;
BEGIN
  PERFORM lock_names('user ' || p_username, encode(p_identity, 'hex'));
  SELECT identity INTO known FROM account WHERE username = p_username;
  IF known <> p_identity THEN
    RETURN 'usernameTaken';
  ELSIF known IS NOT NULL THEN
    UPDATE account SET record = p_record, stretching = p_stretching WHERE username = p_username;
    RETURN 'replaced';
  END IF;
  IF EXISTS (SELECT FROM account WHERE identity = p_identity)
    OR EXISTS (SELECT FROM device WHERE device_key = p_identity)
    OR EXISTS (SELECT FROM erasure WHERE key = p_identity)
  THEN
    RETURN 'identityTaken';
  END IF;
  INSERT INTO account (username, identity, record, stretching, created_at)
  VALUES (p_username, p_identity, p_record, p_stretching, p_created_at);
  RETURN 'created';
END $$;

CREATE FUNCTION put_token(
  p_hash bytea, p_identity bytea, p_acts_for bytea, p_created_at bigint, p_expires_at bigint, p_max bigint
) RETURNS boolean LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  PERFORM lock_names(encode(p_identity, 'hex'));
  PERFORM FROM account WHERE identity = p_identity AND NOT disabled;
  IF NOT FOUND OR
    coalesce((SELECT identity FROM device WHERE device_key = p_acts_for), p_acts_for) <> p_identity
  THEN
    RETURN false;
  END IF;
  INSERT INTO token (hash, identity, acts_for, created_at, expires_at)
  VALUES (p_hash, p_identity, p_acts_for, p_created_at, p_expires_at) ON CONFLICT (hash) DO NOTHING;
  DELETE FROM token WHERE id IN (SELECT id FROM token WHERE identity = p_identity ORDER BY id DESC OFFSET p_max);
  RETURN true;
END $$;

CREATE FUNCTION put_device(
  p_identity bytea, p_device_id bytea, p_device_key bytea, p_name text, p_signature bytea, p_registered_at bigint,
  p_max bigint
) RETURNS text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  same bytea;
BEGIN
  PERFORM lock_names(encode(p_identity, 'hex'), encode(p_device_key, 'hex'));
  IF NOT EXISTS (SELECT FROM account WHERE identity = p_identity) THEN
    RETURN 'noAccount';
  END IF;
  SELECT identity INTO same FROM device WHERE device_key = p_device_key;
  IF FOUND THEN
    RETURN CASE WHEN same = p_identity THEN 'known' ELSE 'keyTaken' END;
  END IF;
  IF EXISTS (SELECT FROM account WHERE identity = p_device_key)
    OR EXISTS (SELECT FROM erasure WHERE key = p_device_key)
    OR EXISTS (SELECT FROM device WHERE identity = p_identity AND device_id = p_device_id)
  THEN
    RETURN 'keyTaken';
  END IF;
  IF (SELECT count(*) FROM device WHERE identity = p_identity) >= p_max THEN
    RETURN 'full';
  END IF;
  INSERT INTO device (identity, device_id, device_key, name, signature, registered_at)
  VALUES (p_identity, p_device_id, p_device_key, p_name, p_signature, p_registered_at);
  RETURN 'registered';
END $$;

CREATE FUNCTION remove_device(p_identity bytea, p_device_id bytea)
RETURNS SETOF device LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  gone device;
BEGIN
  PERFORM lock_names(encode(p_identity, 'hex'));
  DELETE FROM device WHERE identity = p_identity AND device_id = p_device_id RETURNING * INTO gone;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  DELETE FROM token WHERE identity = p_identity AND acts_for = gone.device_key;
  DELETE FROM key_package WHERE identity = gone.device_key;
  DELETE FROM hybrid_key WHERE identity = gone.device_key;
  RETURN NEXT gone;
END $$;

CREATE FUNCTION set_blocked(p_owner bytea, p_sender bytea, p_max bigint)
RETURNS boolean LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  PERFORM lock_names(encode(p_owner, 'hex'));
  PERFORM FROM block WHERE owner = p_owner AND sender = p_sender;
  IF FOUND THEN
    RETURN true;
  END IF;
  IF (SELECT count(*) FROM block WHERE owner = p_owner) >= p_max THEN
    RETURN false;
  END IF;
  INSERT INTO block (owner, sender) VALUES (p_owner, p_sender);
  RETURN true;
END $$;

-- Answers the pair's channel, which is p_id if there was none. A pair that another call is making is waited for.
CREATE FUNCTION create_channel(p_id bytea, p_one bytea, p_other bytea)
RETURNS bytea LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  INSERT INTO channel (id, one, other) VALUES (p_id, p_one, p_other) ON CONFLICT (one, other) DO NOTHING;
  RETURN (SELECT id FROM channel WHERE one = p_one AND other = p_other);
END $$;
