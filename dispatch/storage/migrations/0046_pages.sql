-- Where pages go while nobody is in the duty order. The previous release reads and writes no such column.
ALTER TABLE organisations ADD COLUMN alarm_phone text;
