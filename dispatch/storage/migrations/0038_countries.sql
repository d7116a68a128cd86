-- The country of phone numbers without a country code. The previous release leaves the default, which was its only one.
ALTER TABLE organisations ADD COLUMN country text NOT NULL DEFAULT 'FR' CHECK (country ~ '^[A-Z]{2}$');

-- The last day on which a skill is valid, from the moment when its validity ends; null where it never ends.
CREATE FUNCTION last_day(expires_at timestamptz, zone text) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN expires_at < 'infinity' THEN (expires_at AT TIME ZONE zone - interval '1 microsecond')::date END
$$;
