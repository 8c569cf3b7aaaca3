-- What a device has published goes with it, whichever statement removes it.
CREATE FUNCTION remove_published() RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  DELETE FROM endpoint WHERE identity = OLD.device_key;
  DELETE FROM delivery_token WHERE identity = OLD.device_key;
  RETURN NULL;
END $$;
CREATE TRIGGER device_deleted AFTER DELETE ON device FOR EACH ROW EXECUTE FUNCTION remove_published();
