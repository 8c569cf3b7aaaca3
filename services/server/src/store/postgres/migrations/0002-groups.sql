-- Which epoch of a group is next, and the hash of the proof that its committer must show.
CREATE TABLE mls_group (
  group_id bytea PRIMARY KEY,
  next_epoch bigint NOT NULL,
  proof_hash bytea NOT NULL,
  used_at bigint NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX mls_group_by_use ON mls_group (used_at);

-- What an accepted commit answered: its seqs in the order of its entries.
CREATE TABLE group_commit (
  group_id bytea NOT NULL,
  message_id uuid NOT NULL,
  seqs bigint[] NOT NULL,
  committed_at bigint NOT NULL,
  PRIMARY KEY (group_id, message_id)
);
CREATE INDEX group_commit_by_age ON group_commit (committed_at);

-- One step of a group. p_inboxes to p_bodies: as for append_after_look, without ids. Answers an outcome, and the seqs of
-- "accepted" and "repeated", 0 where a mark stands for the message. Steps of one group wait for each other by an advisory
-- lock on its hash ("qpq" is the lock's other half), then the inboxes are locked.
CREATE FUNCTION commit_group(
  p_group_id bytea, p_epoch bigint, p_proof_hash bytea, p_next_proof_hash bytea, p_message_id uuid, p_now bigint,
  p_depth bigint, p_inboxes bytea[], p_keys bytea[], p_expiries bigint[], p_payloads bytea[], p_body_at int[],
  p_bodies bytea[], OUT outcome text, OUT seqs bigint[]
) LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  known mls_group;
BEGIN
  PERFORM pg_advisory_xact_lock(7434353, hashtext(encode(p_group_id, 'hex')));

  -- statements of their own, behind the lock: they see the commit that held it before
  SELECT 'repeated', c.seqs INTO outcome, seqs
  FROM group_commit c WHERE c.group_id = p_group_id AND c.message_id = p_message_id;
  IF FOUND THEN
    RETURN;
  END IF;
  SELECT * INTO known FROM mls_group WHERE group_id = p_group_id;
  IF FOUND AND known.next_epoch <> p_epoch THEN
    outcome := 'epochTaken';
    RETURN;
  ELSIF FOUND AND known.proof_hash <> p_proof_hash THEN
    outcome := 'badProof';
    RETURN;
  END IF;
  INSERT INTO mls_group (group_id, next_epoch, proof_hash, used_at)
  VALUES (p_group_id, p_epoch + 1, p_next_proof_hash, p_now)
  ON CONFLICT (group_id) DO UPDATE
  SET next_epoch = excluded.next_epoch, proof_hash = excluded.proof_hash, used_at = excluded.used_at;
  outcome := 'accepted';
  seqs := coalesce(append_after_look(
    p_inboxes, p_keys, array_fill(NULL::uuid, ARRAY[cardinality(p_keys)]), p_expiries, p_payloads, p_body_at, p_bodies,
    p_now, p_depth, true), '{}');
  INSERT INTO group_commit (group_id, message_id, seqs, committed_at)
  VALUES (p_group_id, p_message_id, seqs, p_now);
END $$;
