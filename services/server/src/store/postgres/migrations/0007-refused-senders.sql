-- As migration 6 made it, and of the sender 0 nothing is taken: the inbox's owner blocks who sends it.
CREATE OR REPLACE FUNCTION append_after_look(
  p_inboxes bytea[], p_keys bytea[], p_ids uuid[], p_expiries bigint[], p_payloads bytea[], p_body_at int[],
  p_bodies bytea[], p_now bigint, p_depth bigint, p_marks boolean, p_senders bigint[], p_share bigint
) RETURNS bigint[] LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  answers bigint[];
BEGIN
  -- makes and locks in one walk, in order: made first and locked then, new rows were locked before old ones. WHERE false
  -- locks the row and leaves it as it is.
  INSERT INTO inbox (key, last) SELECT k, 0 FROM unnest(p_inboxes) k ORDER BY k
  ON CONFLICT (key) DO UPDATE SET last = excluded.last WHERE false;

  WITH entry AS MATERIALIZED (
    -- of one id that stands several times only the first entry counts
    SELECT e.*, d.seq AS first_seq, min(e.n) OVER (PARTITION BY e.key, e.id, CASE WHEN e.id IS NULL THEN e.n END) AS first_n
    FROM unnest(p_keys, p_ids, p_expiries, p_payloads, p_body_at, p_senders)
      WITH ORDINALITY e (key, id, expires_at, payload, body_at, sender, n)
    LEFT JOIN LATERAL (SELECT seq FROM dedupe WHERE inbox_key = e.key AND message_id = e.id OFFSET 0) d ON true
  ), counter AS MATERIALIZED (
    SELECT k, i.last, greatest(i.acked, i.trimmed) AS base
    FROM unnest(p_inboxes) k CROSS JOIN LATERAL (SELECT * FROM inbox WHERE key = k OFFSET 0) i
  ), asked AS MATERIALIZED (
    SELECT e.*, c.base, c.last, count(*) OVER (PARTITION BY e.key) AS of_key,
      row_number() OVER (PARTITION BY e.key, e.sender ORDER BY e.n) AS nth_of_sender
    FROM entry e JOIN counter c ON c.k = e.key WHERE e.first_seq IS NULL AND e.n = e.first_n
  ), held AS MATERIALIZED (
    -- what these senders hold already, in one walk along the inbox; only where it may matter
    SELECT a.key, h.sender, h.messages
    FROM (
      SELECT key, base, array_agg(DISTINCT sender) AS senders FROM asked
      WHERE sender IS NOT NULL AND last - base + of_key > p_share GROUP BY key, base
    ) a
    CROSS JOIN LATERAL (
      SELECT m.sender, count(*) AS messages FROM message m
      WHERE m.inbox_key = a.key AND m.seq > a.base AND m.sender = ANY (a.senders) GROUP BY m.sender
    ) h
  ), shared AS (
    SELECT a.*, a.sender IS NOT NULL AND (a.sender = 0 OR coalesce(h.messages, 0) + a.nth_of_sender > p_share) AS is_over
    FROM asked a LEFT JOIN held h ON h.key = a.key AND h.sender = a.sender
  ), allowed AS (
    -- of what is over a share one mark, unless the newest message is one
    SELECT *, row_number() OVER (PARTITION BY key, is_over ORDER BY n) AS nth_over FROM shared
  ), placed AS (
    SELECT a.*, a.last + row_number() OVER (PARTITION BY a.key ORDER BY a.n) AS seq
    FROM allowed a
    WHERE NOT is_over OR p_marks AND nth_over = 1 AND NOT EXISTS (
      SELECT FROM message m WHERE m.inbox_key = a.key AND m.seq = a.last AND m.is_overflow
    )
  ), stored AS MATERIALIZED (
    SELECT *, is_over OR seq - base > p_depth AS is_mark FROM placed WHERE seq - base <= p_depth + p_marks::int
  ), over_share AS (
    SELECT s.n FROM shared s WHERE s.is_over AND s.base + p_depth > greatest(
      s.last, coalesce((SELECT max(p.seq) FROM stored p WHERE p.key = s.key AND p.n < s.n AND NOT p.is_mark), 0))
  ), body AS MATERIALIZED (
    SELECT body_at, nextval(pg_get_serial_sequence('shared_payload', 'id')) AS id, count(*) AS refs
    FROM stored WHERE body_at IS NOT NULL AND NOT is_mark GROUP BY body_at
  ), bodies_added AS (
    INSERT INTO shared_payload (id, refs, payload)
    SELECT body.id, body.refs, given.payload
    FROM body JOIN unnest(p_bodies) WITH ORDINALITY given (payload, n) ON given.n = body.body_at
  ), messages_added AS (
    INSERT INTO message (inbox_key, seq, enqueued_at, expires_at, shared_id, is_overflow, payload, sender)
    SELECT s.key, s.seq, p_now, s.expires_at, body.id, CASE WHEN is_mark THEN true END,
      CASE WHEN NOT is_mark THEN s.payload END, CASE WHEN NOT is_mark THEN s.sender END
    FROM stored s LEFT JOIN body ON body.body_at = s.body_at AND NOT s.is_mark
  ), ids_added AS (
    INSERT INTO dedupe (inbox_key, message_id, seq, enqueued_at)
    SELECT key, id, seq, p_now FROM stored WHERE id IS NOT NULL AND NOT is_mark
  ), counted AS (
    UPDATE inbox SET last_before = inbox.last, last = top.seq
    FROM (SELECT key, max(seq) AS seq FROM stored GROUP BY key) top WHERE inbox.key = top.key
  )
  SELECT array_agg(coalesce(-e.first_seq, own.seq, -same.seq, CASE WHEN beyond.n IS NULL THEN 0 ELSE -9e18::bigint END)
    ORDER BY e.n) INTO answers
  FROM entry e
  LEFT JOIN over_share beyond ON beyond.n = e.first_n
  LEFT JOIN stored own ON own.n = e.n AND NOT own.is_mark
  LEFT JOIN stored same ON same.key = e.key AND same.id = e.id AND NOT same.is_mark AND same.n <> e.n;
  RETURN answers;
END $$;
