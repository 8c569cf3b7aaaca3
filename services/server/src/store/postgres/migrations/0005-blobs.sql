-- Uploads, and the blobs they become. Without blob_id: given up, and only to be swept.
CREATE TABLE blob (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  owner bytea NOT NULL,
  blob_id bytea,
  total_size bigint NOT NULL,
  mime_type text NOT NULL,
  received bigint NOT NULL,
  is_complete boolean NOT NULL DEFAULT false,
  expires_at bigint NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE UNIQUE INDEX blob_of_owner ON blob (owner, blob_id);
CREATE INDEX blob_by_id ON blob (blob_id, id) WHERE is_complete;
CREATE INDEX blob_by_expiry ON blob (expires_at);

-- 256 KiB each, the last one less, whatever the chunks were that brought them.
CREATE TABLE blob_piece (
  upload_id bigint NOT NULL,
  number int NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (upload_id, number)
) WITH (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);
-- Ciphertext does not compress, and a part of it can be read without the rest.
ALTER TABLE blob_piece ALTER body SET STORAGE EXTERNAL;

-- The next chunk of an upload, or the first. Chunks of one upload wait for each other by its row, beginnings of one owner
-- by an advisory lock on its hash, so that together they stay within the quota.
CREATE FUNCTION append_blob(
  p_owner bytea, p_blob_id bytea, p_total_size bigint, p_mime_type text, p_offset bigint, p_chunk bytea,
  p_expires_at bigint, p_quota bigint, p_now bigint, OUT outcome text, OUT upload bigint, OUT received_bytes bigint
) LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  known blob;
  place bigint := 0;
  within int;
  part bytea;
BEGIN
  SELECT * INTO known FROM blob WHERE owner = p_owner AND blob_id = p_blob_id AND expires_at > p_now FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM lock_names(encode(p_owner, 'hex'));
    -- its name is free once it has expired
    UPDATE blob SET blob_id = NULL, expires_at = 0 WHERE owner = p_owner AND blob_id = p_blob_id AND expires_at <= p_now;
    SELECT * INTO known FROM blob WHERE owner = p_owner AND blob_id = p_blob_id FOR UPDATE;
  END IF;
  upload := coalesce(known.id, 0);
  received_bytes := coalesce(known.received, 0);
  outcome := CASE
    WHEN known.is_complete THEN 'complete'
    WHEN known.total_size <> p_total_size THEN 'otherSize'
    WHEN p_offset <> received_bytes THEN 'otherOffset'
    WHEN known.id IS NULL AND p_quota < p_total_size
      + (SELECT coalesce(sum(total_size), 0) FROM blob WHERE owner = p_owner AND expires_at > p_now) THEN 'quota'
    ELSE 'stored'
  END;
  IF outcome <> 'stored' THEN
    RETURN;
  END IF;
  IF known.id IS NULL THEN
    INSERT INTO blob (owner, blob_id, total_size, mime_type, received, expires_at)
    VALUES (p_owner, p_blob_id, p_total_size, p_mime_type, 0, p_expires_at) RETURNING id INTO upload;
  END IF;
  WHILE place < length(p_chunk) LOOP
    within := (p_offset + place) % 262144;
    part := substr(p_chunk, place::int + 1, 262144 - within);
    IF within = 0 THEN
      INSERT INTO blob_piece (upload_id, number, body) VALUES (upload, (p_offset + place) / 262144, part);
    ELSE
      UPDATE blob_piece SET body = body || part WHERE upload_id = upload AND number = (p_offset + place) / 262144;
    END IF;
    place := place + length(part);
  END LOOP;
  received_bytes := p_offset + length(p_chunk);
  UPDATE blob SET received = received_bytes WHERE id = upload;
END $$;

-- Removes uploads of one owner (or, without one, those that have expired) and their pieces, as much as p_rows rows: a
-- piece counts for 16, because its 130 rows of TOAST are to be touched. Answers how many, 0 when nothing is left (of the
-- expired ones: that nobody else is at).
CREATE FUNCTION remove_blobs(p_owner bytea, p_rows bigint, p_now bigint)
RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  upload bigint;
  pieces bigint;
  done bigint := 0;
BEGIN
  WHILE done < p_rows LOOP
    IF p_owner IS NULL THEN
      SELECT id INTO upload FROM blob WHERE expires_at <= p_now ORDER BY expires_at LIMIT 1 FOR UPDATE SKIP LOCKED;
    ELSE
      SELECT id INTO upload FROM blob WHERE owner = p_owner LIMIT 1 FOR UPDATE;
      -- one that was waited for may be gone, and others not
      CONTINUE WHEN NOT FOUND AND EXISTS (SELECT FROM blob WHERE owner = p_owner);
    END IF;
    EXIT WHEN upload IS NULL;
    DELETE FROM blob_piece WHERE upload_id = upload AND number IN
      (SELECT number FROM blob_piece WHERE upload_id = upload ORDER BY number LIMIT (p_rows - done + 15) / 16);
    GET DIAGNOSTICS pieces = ROW_COUNT;
    IF pieces = 0 THEN
      DELETE FROM blob WHERE id = upload;
    END IF;
    done := done + greatest(1, pieces * 16);
  END LOOP;
  RETURN least(done, p_rows);
END $$;

-- Removes about p_rows rows of what a deleted account has left behind in its inboxes, pools, channels and blobs: of one
-- account, or, without it, of any that nobody else is at. Answers how many. Inboxes are locked in ascending order, because
-- the keys that they begin with are.
CREATE FUNCTION erase(p_owner bytea, p_rows bigint)
RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  note bytea;
  box bytea;
  up_to bigint;
  erased bigint;
  done bigint := 0;
BEGIN
  FOR note IN
    SELECT due.key FROM (
      SELECT key FROM erasure WHERE p_owner IS NULL OR owner = p_owner ORDER BY key LIMIT 100 FOR UPDATE SKIP LOCKED
    ) due ORDER BY due.key
  LOOP
    WHILE done < p_rows LOOP
      -- the default inbox and those of channels
      SELECT key INTO box FROM inbox
      WHERE key >= note AND key < note || '\xffffffffffffffffffffffffffffffffff'::bytea ORDER BY key LIMIT 1 FOR UPDATE;
      EXIT WHEN NOT FOUND;
      SELECT max(seq), count(*) INTO up_to, erased
      FROM (SELECT seq FROM message WHERE inbox_key = box ORDER BY seq LIMIT p_rows - done) head;
      IF erased > 0 THEN
        PERFORM acknowledge(ARRAY[box], ARRAY[up_to], ARRAY[0::bigint]);
      ELSE
        DELETE FROM dedupe WHERE inbox_key = box AND message_id IN
          (SELECT message_id FROM dedupe WHERE inbox_key = box LIMIT p_rows - done);
        GET DIAGNOSTICS erased = ROW_COUNT;
        IF erased = 0 THEN
          DELETE FROM inbox WHERE key = box;
        END IF;
      END IF;
      done := done + greatest(1, erased);
    END LOOP;
    EXIT WHEN done >= p_rows;

    DELETE FROM key_package WHERE id IN (SELECT id FROM key_package WHERE identity = note LIMIT p_rows - done);
    GET DIAGNOSTICS erased = ROW_COUNT;
    done := done + erased;
    DELETE FROM hybrid_key WHERE identity = note;
    DELETE FROM channel WHERE id IN (SELECT id FROM channel WHERE one = note LIMIT p_rows - done);
    GET DIAGNOSTICS erased = ROW_COUNT;
    done := done + erased;
    DELETE FROM channel WHERE id IN (SELECT id FROM channel WHERE other = note LIMIT p_rows - done);
    GET DIAGNOSTICS erased = ROW_COUNT;
    done := done + erased;
    done := done + remove_blobs(note, p_rows - done, 0);
    EXIT WHEN done >= p_rows;
    DELETE FROM erasure WHERE key = note;
    done := done + 1;
  END LOOP;
  RETURN done;
END $$;

-- One step of a deletion: the first takes the account, and notes the keys whose other rows are still to go. Answers
-- whether all is gone.
CREATE FUNCTION delete_account_step(p_identity bytea, p_rows bigint)
RETURNS boolean LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  PERFORM lock_names(encode(p_identity, 'hex'));
  IF NOT EXISTS (SELECT FROM erasure WHERE owner = p_identity) THEN
    INSERT INTO erasure (key, owner)
    SELECT p_identity, p_identity UNION SELECT device_key, identity FROM device WHERE identity = p_identity;
    DELETE FROM account WHERE identity = p_identity;
    DELETE FROM token WHERE identity = p_identity;
    DELETE FROM device WHERE identity = p_identity;
    DELETE FROM endpoint WHERE identity = p_identity;
    DELETE FROM delivery_token WHERE identity = p_identity;
    DELETE FROM block WHERE owner = p_identity;
  END IF;
  PERFORM erase(p_identity, p_rows);
  RETURN NOT EXISTS (SELECT FROM erasure WHERE owner = p_identity);
END $$;
