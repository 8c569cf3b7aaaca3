-- Ids are as many as all messages of the dedupe window, and their keys are random: each vacuum changes nearly every page of
-- the index, and the first change of a page after a checkpoint is written to the WAL as a whole. At 5 % of dead rows that
-- was 1.6 KB and 1.5 us of CPU an id, at 20 % it is 0.3 KB and 0.5 us. Neither readers nor writers wait for this.
DO $$
BEGIN
  FOR n IN 0..7 LOOP
    EXECUTE format('ALTER TABLE dedupe_%s SET (autovacuum_vacuum_scale_factor = 0.2)', n);
  END LOOP;
END $$;
