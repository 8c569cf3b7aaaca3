-- What is removed begins where the last removal ended: greatest(acked, trimmed), below which no message stands. Without a
-- lower bound each acknowledgement walked all that had gone from the inbox and was not vacuumed yet.

-- As in migration 1, but for m.seq > t.base.
CREATE OR REPLACE FUNCTION acknowledge(p_keys bytea[], p_up_tos bigint[], p_epochs bigint[])
RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  epoch bigint := (SELECT value FROM meta WHERE name = 'store_epoch');
  due bytea[];
  due_up_tos bigint[];
BEGIN
  -- a repeated ack locks and writes nothing
  SELECT array_agg(asked.k ORDER BY asked.k), array_agg(asked.up_to ORDER BY asked.k) INTO due, due_up_tos
  FROM (
    SELECT k, max(up_to) AS up_to FROM unnest(p_keys, p_up_tos, p_epochs) a (k, up_to, epoch_of_cursor)
    WHERE epoch_of_cursor IN (0, epoch) GROUP BY k
  ) asked
  CROSS JOIN LATERAL (SELECT last, acked FROM inbox WHERE key = asked.k OFFSET 0) i
  WHERE least(asked.up_to, i.last) > i.acked;
  IF due IS NULL THEN
    RETURN epoch;
  END IF;

  PERFORM FROM unnest(due) k CROSS JOIN LATERAL (SELECT FROM inbox WHERE key = k FOR UPDATE) held;

  -- after the lock, in a snapshot that has all messages up to `last`
  WITH target AS MATERIALIZED (
    SELECT k, i.trimmed, greatest(i.acked, i.trimmed) AS base, least(asked.up_to, i.last) AS up_to
    FROM unnest(due, due_up_tos) asked (k, up_to)
    CROSS JOIN LATERAL (SELECT * FROM inbox WHERE key = k OFFSET 0) i
    WHERE least(asked.up_to, i.last) > i.acked
  ), counted AS (
    UPDATE inbox SET acked = t.up_to, trim_due = EXISTS (
      SELECT FROM message m
      WHERE m.inbox_key = t.k AND m.seq = greatest(t.up_to, t.trimmed) + 1 AND m.expires_at IS NULL
    )
    FROM target t WHERE inbox.key = t.k
  ), gone AS (
    DELETE FROM message m USING target t WHERE m.inbox_key = t.k AND m.seq > t.base AND m.seq <= t.up_to
    RETURNING m.shared_id
  )
  INSERT INTO shared_payload_release (id, refs)
  SELECT shared_id, count(*) FROM gone WHERE shared_id IS NOT NULL GROUP BY shared_id;
  RETURN epoch;
END $$;

-- As in migration 1, but for seq > box.base.
CREATE OR REPLACE FUNCTION sweep_messages(p_rows bigint, p_now bigint)
RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  box record;
  living bigint;
  head bigint;
  made bigint;
  done bigint := 0;
BEGIN
  IF p_rows <= 0 OR NOT pg_try_advisory_xact_lock(7434353, 1) THEN
    RETURN 0;
  END IF;
  FOR box IN
    SELECT held.*
    FROM (
      SELECT key FROM (SELECT inbox_key AS key FROM message WHERE expires_at <= p_now ORDER BY expires_at LIMIT p_rows) a
      UNION SELECT key FROM (SELECT key FROM inbox WHERE trim_due LIMIT p_rows) b
    ) due
    CROSS JOIN LATERAL (
      SELECT key, last, greatest(acked, trimmed) AS base FROM inbox WHERE key = due.key FOR UPDATE SKIP LOCKED
    ) held
  LOOP
    living := (
      SELECT seq FROM message WHERE inbox_key = box.key AND seq > box.base AND expires_at > p_now ORDER BY seq LIMIT 1
    );
    -- seqs have no holes, so this is also how many rows go
    head := least(coalesce(living - 1, box.last), box.base + p_rows - done);
    WITH gone AS (
      DELETE FROM message WHERE inbox_key = box.key AND seq > box.base AND seq <= head RETURNING shared_id
    )
    INSERT INTO shared_payload_release (id, refs)
    SELECT shared_id, count(*) FROM gone WHERE shared_id IS NOT NULL GROUP BY shared_id;
    done := done + head - box.base;

    WITH due AS MATERIALIZED (
      SELECT seq, shared_id FROM message
      WHERE inbox_key = box.key AND seq > head AND expires_at <= p_now ORDER BY seq LIMIT p_rows - done
    ), emptied AS (
      UPDATE message m SET payload = NULL, shared_id = NULL, expires_at = NULL
      FROM due WHERE m.inbox_key = box.key AND m.seq = due.seq
    ), released AS (
      INSERT INTO shared_payload_release (id, refs)
      SELECT shared_id, count(*) FROM due WHERE shared_id IS NOT NULL GROUP BY shared_id
    )
    SELECT count(*) INTO made FROM due;
    done := done + made;

    UPDATE inbox SET
      trimmed = CASE WHEN head > box.base THEN head ELSE trimmed END,
      trim_due = EXISTS (SELECT FROM message WHERE inbox_key = box.key AND seq = head + 1 AND expires_at IS NULL)
    WHERE key = box.key;
    EXIT WHEN done >= p_rows;
  END LOOP;
  RETURN done;
END $$;
