from django.db import migrations

# A guard against mistakes, not against whoever owns the database: the hash chain shows what they did.
# `acron.erasing` names the organization that is being erased as a whole; "everything" empties a test database.
FORWARD = """
CREATE FUNCTION acron_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        IF current_setting('acron.erasing', true) = 'everything' THEN
            RETURN NULL;
        END IF;
    ELSIF TG_OP = 'DELETE' AND current_setting('acron.erasing', true) = OLD.organization_id::text THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER audit_event_is_append_only BEFORE UPDATE OR DELETE ON accounts_auditevent
    FOR EACH ROW EXECUTE FUNCTION acron_audit_is_append_only();
CREATE TRIGGER audit_event_is_not_emptied BEFORE TRUNCATE ON accounts_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION acron_audit_is_append_only();
"""
BACKWARD = """
DROP TRIGGER audit_event_is_not_emptied ON accounts_auditevent;
DROP TRIGGER audit_event_is_append_only ON accounts_auditevent;
DROP FUNCTION acron_audit_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_governance")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
