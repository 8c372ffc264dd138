from django.db import migrations

# A guard against mistakes, not against whoever owns the database. "everything" empties a test database.
FORWARD = """
CREATE FUNCTION acron_price_book_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND current_setting('acron.erasing', true) = 'everything' THEN
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' THEN
        IF EXISTS (
            SELECT FROM inference_priceentry kept WHERE kept.model = NEW.model
            AND tstzrange(kept.valid_from, kept.valid_to) && tstzrange(NEW.valid_from, NEW.valid_to)
        ) THEN
            RAISE EXCEPTION 'prices of % overlap', NEW.model USING ERRCODE = 'exclusion_violation';
        END IF;
        RETURN NEW;
    ELSIF TG_OP = 'UPDATE' AND OLD.valid_to IS NULL AND NEW.valid_to IS NOT NULL
        AND to_jsonb(NEW) - 'valid_to' = to_jsonb(OLD) - 'valid_to' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the price book is append-only' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER price_entry_is_append_only BEFORE INSERT OR UPDATE OR DELETE ON inference_priceentry
    FOR EACH ROW EXECUTE FUNCTION acron_price_book_is_append_only();
CREATE TRIGGER price_entry_is_not_emptied BEFORE TRUNCATE ON inference_priceentry
    FOR EACH STATEMENT EXECUTE FUNCTION acron_price_book_is_append_only();
"""
BACKWARD = """
DROP TRIGGER price_entry_is_not_emptied ON inference_priceentry;
DROP TRIGGER price_entry_is_append_only ON inference_priceentry;
DROP FUNCTION acron_price_book_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("inference", "0001_keep_a_price_book")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
