-- A deployment beside a running one, which takes its name and domain over (docs/decisions/0010-renewal.md).
ALTER TABLE apps ADD COLUMN replaces TEXT REFERENCES apps (id);    -- until it has taken over
ALTER TABLE apps ADD COLUMN replaced_by TEXT REFERENCES apps (id); -- has lost name and domain to it
ALTER TABLE apps ADD COLUMN replaced_at BIGINT;

DROP INDEX apps_active_by_name;
DROP INDEX apps_active_by_domain;
CREATE UNIQUE INDEX apps_active_by_name ON apps (project_id, name)
	WHERE status IN ('spawning', 'initializing', 'running') AND replaces IS NULL AND replaced_by IS NULL;
CREATE UNIQUE INDEX apps_active_by_domain ON apps (domain_name)
	WHERE status IN ('spawning', 'initializing', 'running') AND replaces IS NULL AND replaced_by IS NULL;
CREATE UNIQUE INDEX apps_active_by_replaces ON apps (replaces)
	WHERE status IN ('spawning', 'initializing', 'running') AND replaces IS NOT NULL;
