extension Migrations {
    /// Version 1. Times are milliseconds since 1970, flags are 0 or 1, `tasks.id` is the lower-case spelling.
    static let initial: [String] = tasks + attempts + inputs + story + outside

    private static let tasks = [
        """
        CREATE TABLE tasks (
            id TEXT PRIMARY KEY,
            spelling TEXT NOT NULL,
            owner TEXT,
            name TEXT NOT NULL,
            options TEXT NOT NULL,
            skip_post_processing BIGINT NOT NULL,
            webhook TEXT,
            outputs TEXT,
            zip_url TEXT,
            priority BIGINT NOT NULL,
            state TEXT NOT NULL CHECK (state IN
                ('receiving', 'queued', 'dispatching', 'placed', 'completed', 'failed', 'canceled')),
            intent TEXT NOT NULL DEFAULT 'none' CHECK (intent IN ('none', 'cancel', 'remove', 'restart')),
            fetching BIGINT NOT NULL DEFAULT 0,
            fetch_failures BIGINT NOT NULL DEFAULT 0,
            waiting BIGINT NOT NULL DEFAULT 0,
            date_created BIGINT NOT NULL,
            created_at BIGINT NOT NULL,
            data_at BIGINT NOT NULL,
            committed_at BIGINT,
            queued_at BIGINT,
            not_before BIGINT,
            ended_at BIGINT,
            kept_from BIGINT,
            inputs_expired_at BIGINT,
            inputs_removed_at BIGINT,
            images BIGINT NOT NULL DEFAULT 0,
            bytes BIGINT NOT NULL DEFAULT 0,
            images_shown BIGINT,
            failures BIGINT NOT NULL DEFAULT 0,
            passed_over TEXT NOT NULL DEFAULT '',
            bound_to TEXT,
            run BIGINT NOT NULL DEFAULT 1,
            attempt BIGINT NOT NULL DEFAULT 0,
            last_attempt BIGINT NOT NULL DEFAULT 0,
            owner_code BIGINT NOT NULL DEFAULT 20,
            progress DOUBLE PRECISION NOT NULL DEFAULT 0,
            processing_time BIGINT NOT NULL DEFAULT -1,
            error TEXT,
            lines BIGINT NOT NULL DEFAULT 0,
            revision BIGINT NOT NULL DEFAULT 1
        )
        """,
        // The queue in its order, what recovery reads at start, and counts without a look at the rows.
        "CREATE INDEX tasks_by_state ON tasks (state, priority DESC, queued_at, id, owner)",
        "CREATE INDEX tasks_in_order ON tasks (committed_at, id) WHERE committed_at IS NOT NULL",
        "CREATE INDEX tasks_of_owner ON tasks (owner, committed_at, id) WHERE committed_at IS NOT NULL",
        "CREATE INDEX tasks_newest ON tasks (created_at DESC, id DESC)",
        "CREATE INDEX tasks_removing ON tasks (id) WHERE intent = 'remove'",
        "CREATE INDEX tasks_fetching ON tasks (id) WHERE fetching = 1",
        "CREATE INDEX tasks_kept ON tasks (kept_from) WHERE kept_from IS NOT NULL",
        "CREATE INDEX tasks_with_inputs ON tasks (kept_from) WHERE kept_from IS NOT NULL AND inputs_removed_at IS NULL",
    ]

    private static let attempts = [
        """
        CREATE TABLE attempts (
            task TEXT NOT NULL,
            number BIGINT NOT NULL,
            backend TEXT NOT NULL,
            backend_task TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('recorded', 'sending', 'committing', 'accepted', 'ended')),
            prefetch BIGINT NOT NULL DEFAULT 0,
            in_place BIGINT NOT NULL DEFAULT 0,
            reason TEXT NOT NULL,
            cancel BIGINT NOT NULL DEFAULT 0,
            fenced BIGINT NOT NULL DEFAULT 0,
            copy BIGINT NOT NULL DEFAULT 0,
            outcome TEXT,
            counted BIGINT NOT NULL DEFAULT 0,
            failure TEXT,
            log_cursor BIGINT NOT NULL DEFAULT 0,
            recorded_at BIGINT NOT NULL,
            sending_at BIGINT,
            committing_at BIGINT,
            accepted_at BIGINT,
            ended_at BIGINT,
            PRIMARY KEY (task, number)
        )
        """,
        // A task with two live attempts can't be written, whatever a program does.
        "CREATE UNIQUE INDEX attempts_live ON attempts (task) WHERE state <> 'ended'",
        "CREATE INDEX attempts_on_backend ON attempts (backend) WHERE state <> 'ended'",
        "CREATE INDEX attempts_by_name ON attempts (backend_task, backend)",
        "CREATE INDEX attempts_to_cancel ON attempts (task) WHERE cancel = 1",
        "CREATE INDEX attempts_fenced ON attempts (backend) WHERE fenced = 1 AND copy = 1",
        """
        CREATE TABLE cleanups (
            backend TEXT NOT NULL,
            backend_task TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('discard', 'cancel', 'remove')),
            task TEXT NOT NULL,
            unsure BIGINT NOT NULL,
            since BIGINT NOT NULL,
            not_before BIGINT NOT NULL,
            tries BIGINT NOT NULL DEFAULT 0,
            PRIMARY KEY (backend, backend_task, kind)
        )
        """,
    ]

    private static let inputs = [
        """
        CREATE TABLE files (
            task TEXT NOT NULL,
            name TEXT NOT NULL,
            bytes BIGINT NOT NULL,
            digest TEXT NOT NULL,
            storage_key TEXT NOT NULL,
            fetched BIGINT NOT NULL,
            stored_at BIGINT NOT NULL,
            PRIMARY KEY (task, name)
        )
        """
    ]

    private static let story = [
        """
        CREATE TABLE output (
            task TEXT NOT NULL,
            first_line BIGINT NOT NULL,
            line_count BIGINT NOT NULL,
            lines TEXT NOT NULL,
            PRIMARY KEY (task, first_line)
        )
        """,
        """
        CREATE TABLE events (
            task TEXT NOT NULL,
            number BIGINT NOT NULL,
            at BIGINT NOT NULL,
            kind TEXT NOT NULL,
            attempt BIGINT,
            backend TEXT,
            detail TEXT NOT NULL,
            PRIMARY KEY (task, number)
        )
        """,
        """
        CREATE TABLE webhooks (
            id TEXT PRIMARY KEY,
            task TEXT NOT NULL,
            attempt BIGINT NOT NULL,
            url TEXT NOT NULL,
            payload TEXT,
            state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
            tries BIGINT NOT NULL DEFAULT 0,
            enqueued_at BIGINT NOT NULL,
            due_at BIGINT NOT NULL,
            claimed_until BIGINT NOT NULL DEFAULT 0,
            done_at BIGINT,
            error TEXT
        )
        """,
        "CREATE INDEX webhooks_due ON webhooks (due_at) WHERE state = 'pending'",
        "CREATE INDEX webhooks_of_task ON webhooks (task)",
    ]

    private static let outside = [
        """
        CREATE TABLE backends (
            name TEXT PRIMARY KEY,
            locked BIGINT NOT NULL DEFAULT 0,
            draining BIGINT NOT NULL DEFAULT 0,
            retired BIGINT NOT NULL DEFAULT 0,
            switched_at BIGINT,
            info TEXT,
            options TEXT,
            seen_at BIGINT,
            definition TEXT
        )
        """,
        // Child and registered tokens; those of the inventory stay in the file.
        """
        CREATE TABLE tokens (
            sha256 TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            parent_task TEXT,
            created_at BIGINT NOT NULL,
            expires_at BIGINT
        )
        """,
        "CREATE TABLE installation (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        // `number` fences: it grows with every change of the holder.
        """
        CREATE TABLE leases (
            name TEXT PRIMARY KEY,
            holder TEXT NOT NULL,
            number BIGINT NOT NULL,
            held_until BIGINT NOT NULL
        )
        """,
    ]
}
