-- Times are Unix seconds. Ids are UUIDs in lower-case text. Hashes are SHA-256 in hex: no token is stored itself.

CREATE TABLE users (
	id TEXT PRIMARY KEY,
	email TEXT NOT NULL UNIQUE,
	given_name TEXT NOT NULL,
	family_name TEXT NOT NULL,
	password_hash TEXT NOT NULL,
	is_admin INTEGER NOT NULL,
	email_verified INTEGER NOT NULL,
	configured INTEGER NOT NULL,
	created_at BIGINT NOT NULL,
	disabled_at BIGINT
);

CREATE TABLE projects (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	description TEXT NOT NULL,
	owner_id TEXT NOT NULL REFERENCES users (id),
	is_default INTEGER NOT NULL,
	created_at BIGINT NOT NULL,
	deleted_at BIGINT
);
CREATE UNIQUE INDEX projects_by_name ON projects (owner_id, name) WHERE deleted_at IS NULL;

CREATE TABLE hardware_kinds (
	name TEXT PRIMARY KEY,
	memory_mib BIGINT NOT NULL,
	cores BIGINT NOT NULL,
	enclave_size_mib BIGINT NOT NULL,
	forced_expiry_seconds BIGINT NOT NULL,
	is_free INTEGER NOT NULL,
	created_at BIGINT NOT NULL
);

CREATE TABLE hardware_bookings (
	id TEXT PRIMARY KEY,
	project_id TEXT NOT NULL REFERENCES projects (id),
	hardware_name TEXT NOT NULL REFERENCES hardware_kinds (name),
	slots BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	ended_at BIGINT
);
CREATE INDEX hardware_bookings_by_project ON hardware_bookings (project_id, hardware_name);

CREATE TABLE apps (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	project_id TEXT NOT NULL REFERENCES projects (id),
	owner_id TEXT NOT NULL REFERENCES users (id),
	domain_name TEXT NOT NULL,
	config_domain_name TEXT NOT NULL,
	docker TEXT NOT NULL,
	status TEXT NOT NULL,
	hardware_name TEXT NOT NULL REFERENCES hardware_kinds (name),
	memory_mib BIGINT NOT NULL,
	cores BIGINT NOT NULL,
	tls TEXT NOT NULL,
	python_application TEXT NOT NULL,
	healthcheck_endpoint TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	ready_at BIGINT,
	stopped_at BIGINT,
	expires_at BIGINT NOT NULL,
	fingerprint TEXT NOT NULL,
	reason TEXT NOT NULL,
	instance TEXT NOT NULL,
	egress TEXT NOT NULL,
	logs TEXT NOT NULL,
	stop_wanted INTEGER NOT NULL,
	stop_reason TEXT NOT NULL,
	cleaned INTEGER NOT NULL
);
-- What "only one active" (L2) and "no name twice at the proxy" mean, held by the database itself.
CREATE UNIQUE INDEX apps_active_by_name ON apps (project_id, name)
	WHERE status IN ('spawning', 'initializing', 'running');
CREATE UNIQUE INDEX apps_active_by_domain ON apps (domain_name) WHERE status IN ('spawning', 'initializing', 'running');
CREATE UNIQUE INDEX apps_active_by_config_domain ON apps (config_domain_name)
	WHERE status IN ('spawning', 'initializing', 'running');
CREATE INDEX apps_by_owner ON apps (owner_id, created_at);
CREATE INDEX apps_by_status ON apps (status);

CREATE TABLE app_history (
	id INTEGER PRIMARY KEY,
	app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
	from_state TEXT,
	to_state TEXT NOT NULL,
	reason TEXT NOT NULL,
	at BIGINT NOT NULL
);
CREATE INDEX app_history_by_app ON app_history (app_id, id);

CREATE TABLE auth_codes (
	hash TEXT PRIMARY KEY,
	user_id TEXT NOT NULL REFERENCES users (id),
	client_id TEXT NOT NULL,
	redirect_uri TEXT NOT NULL,
	code_challenge TEXT NOT NULL,
	scope TEXT NOT NULL,
	nonce TEXT NOT NULL,
	family TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	used_at BIGINT
);

CREATE TABLE refresh_tokens (
	hash TEXT PRIMARY KEY,
	family TEXT NOT NULL,
	user_id TEXT NOT NULL REFERENCES users (id),
	client_id TEXT NOT NULL,
	scope TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	used_at BIGINT,
	revoked_at BIGINT
);
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_by_user ON refresh_tokens (user_id);

CREATE TABLE device_grants (
	hash TEXT PRIMARY KEY,
	user_code TEXT NOT NULL UNIQUE,
	client_id TEXT NOT NULL,
	scope TEXT NOT NULL,
	user_id TEXT REFERENCES users (id),
	answer TEXT NOT NULL,
	family TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	polled_at BIGINT NOT NULL
);

CREATE TABLE api_tokens (
	id TEXT PRIMARY KEY,
	hash TEXT NOT NULL UNIQUE,
	user_id TEXT NOT NULL REFERENCES users (id),
	name TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT,
	last_used_at BIGINT,
	revoked_at BIGINT
);

CREATE TABLE login_failures (
	subject TEXT PRIMARY KEY,
	failures BIGINT NOT NULL,
	window_ends_at BIGINT NOT NULL
);
