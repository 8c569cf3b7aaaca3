-- A taken package stays as a row without body until it expires: put again, it must not be handed out again.
CREATE TABLE key_package (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  identity bytea NOT NULL,
  last_resort boolean NOT NULL,
  sha256 bytea NOT NULL,
  expires_at bigint NOT NULL,
  body bytea
) WITH (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE key_package ALTER body SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX key_package_once ON key_package (identity, last_resort, sha256);
CREATE INDEX key_package_pool ON key_package (identity, last_resort, id) WHERE body IS NOT NULL;
CREATE INDEX key_package_by_expiry ON key_package (expires_at);

CREATE TABLE hybrid_key (identity bytea PRIMARY KEY, public_key bytea NOT NULL, signature bytea NOT NULL);

-- Answers whether the package stands (or stood) in the pool, and how many living single-use ones do. Puts of one
-- identity wait for each other, by an advisory lock on its hash ("qpq" is the lock's other half), so that the pool stays
-- within its bound.
CREATE FUNCTION put_key_package(
  p_identity bytea, p_last_resort boolean, p_sha256 bytea, p_expires_at bigint, p_body bytea, p_pool_max bigint,
  p_now bigint, OUT is_stored boolean, OUT remaining bigint
) LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7434353, hashtext(encode(p_identity, 'hex')));
  SELECT count(*) INTO remaining FROM key_package
  WHERE identity = p_identity AND NOT last_resort AND body IS NOT NULL AND expires_at > p_now;
  is_stored := true;
  PERFORM FROM key_package WHERE identity = p_identity AND last_resort = p_last_resort AND sha256 = p_sha256;
  IF FOUND THEN
    RETURN;
  END IF;
  IF p_last_resort THEN
    DELETE FROM key_package WHERE identity = p_identity AND last_resort;
  ELSIF remaining >= p_pool_max THEN
    is_stored := false;
    RETURN;
  ELSIF p_expires_at > p_now THEN
    remaining := remaining + 1;
  END IF;
  INSERT INTO key_package (identity, last_resort, sha256, expires_at, body)
  VALUES (p_identity, p_last_resort, p_sha256, p_expires_at, p_body);
END $$;

-- The oldest living single-use package, or the last-resort one, or NULL. One that another call is taking is passed over.
CREATE FUNCTION take_key_package(p_identity bytea, p_now bigint)
RETURNS bytea LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  oldest record;
BEGIN
  SELECT id, body INTO oldest FROM key_package
  WHERE identity = p_identity AND NOT last_resort AND body IS NOT NULL AND expires_at > p_now
  ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF FOUND THEN
    UPDATE key_package SET body = NULL WHERE id = oldest.id;
    RETURN oldest.body;
  END IF;
  RETURN (
    SELECT body FROM key_package
    WHERE identity = p_identity AND last_resort AND body IS NOT NULL AND expires_at > p_now ORDER BY id LIMIT 1
  );
END $$;
