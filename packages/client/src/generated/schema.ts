// Written by `npm run openapi`: do not edit.

export interface paths {
    "/api/v1/tenants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the tenants, newest first
         * @description Requires the platform key.
         */
        get: operations["listTenants"];
        put?: never;
        /**
         * Create a tenant
         * @description Requires the platform key.
         */
        post: operations["createTenant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a tenant
         * @description Requires the platform key.
         */
        get: operations["getTenant"];
        put?: never;
        post?: never;
        /**
         * Delete a tenant and all its data; its keys stop working immediately, and its audit log is kept
         * @description Requires the platform key.
         */
        delete: operations["deleteTenant"];
        options?: never;
        head?: never;
        /**
         * Update a tenant’s name, limits, redacted fields or email consent
         * @description Requires the platform key.
         */
        patch: operations["updateTenant"];
        trace?: never;
    };
    "/api/v1/tenant-deletions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a tenant’s deletion with its progress
         * @description Requires the platform key.
         */
        get: operations["getTenantDeletion"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants/{id}/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a tenant’s API keys, including revoked ones, newest first
         * @description Requires the platform key.
         */
        get: operations["listTenantKeys"];
        put?: never;
        /**
         * Create an API key for a tenant; the key and the API secret are returned only in this response
         * @description Requires the platform key.
         */
        post: operations["createTenantKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants/{id}/keys/{keyId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke an API key immediately
         * @description Requires the platform key.
         */
        delete: operations["revokeTenantKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants/{id}/keys/{keyId}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate an API key; the previous key works until the overlap ends, and the new one is returned only in this response
         * @description Requires the platform key.
         */
        post: operations["rotateTenantKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the API keys of the key’s environment, including revoked ones, newest first
         * @description Requires a tenant’s key with the scope `keys:read`.
         */
        get: operations["listKeys"];
        put?: never;
        /**
         * Create an API key with at most this key’s scopes; it is returned only in this response
         * @description Requires a tenant’s key with the scope `keys:write`.
         */
        post: operations["createKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke an API key of the key’s environment immediately; it can be the calling key
         * @description Requires a tenant’s key with the scope `keys:write`.
         */
        delete: operations["revokeKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate an API key; the previous key works until the overlap ends, and the new one is returned only in this response
         * @description Requires a tenant’s key with the scope `keys:write`.
         */
        post: operations["rotateKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/platform-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the platform keys, including revoked ones, newest first
         * @description Requires the platform key.
         */
        get: operations["listPlatformKeys"];
        put?: never;
        /**
         * Create a platform key; it is returned only in this response
         * @description Requires the platform key.
         */
        post: operations["createPlatformKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/platform-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke a platform key immediately; the last one only if ADMIN_API_KEY is set
         * @description Requires the platform key.
         */
        delete: operations["revokePlatformKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/platform-keys/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate a platform key; the previous key works until the overlap ends
         * @description Requires the platform key.
         */
        post: operations["rotatePlatformKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/destinations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the destinations in the key’s environment, newest first
         * @description Requires a tenant’s key with the scope `destinations:read`.
         */
        get: operations["listDestinations"];
        put?: never;
        /**
         * Create a destination; its signing secret is returned only in this response
         * @description Requires a tenant’s key with the scope `destinations:write`.
         */
        post: operations["createDestination"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/destinations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a destination
         * @description Requires a tenant’s key with the scope `destinations:read`.
         */
        get: operations["getDestination"];
        put?: never;
        post?: never;
        /**
         * Delete a destination; its pending deliveries are skipped
         * @description Requires a tenant’s key with the scope `destinations:write`.
         */
        delete: operations["deleteDestination"];
        options?: never;
        head?: never;
        /**
         * Update a destination; omitted or masked fields of config are kept
         * @description Requires a tenant’s key with the scope `destinations:write`.
         */
        patch: operations["updateDestination"];
        trace?: never;
    };
    "/api/v1/destinations/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pause a destination; events for it are recorded as skipped
         * @description Requires a tenant’s key with the scope `destinations:write`.
         */
        post: operations["pauseDestination"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/destinations/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Activate a destination and clear its failure history
         * @description Requires a tenant’s key with the scope `destinations:write`.
         */
        post: operations["resumeDestination"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/destinations/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a test event to a destination once and return the outcome
         * @description Requires a tenant’s key with the scope `destinations:write`.
         */
        post: operations["testDestination"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/destinations/{id}/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a destination’s delivery counts, in total and per day
         * @description Requires a tenant’s key with the scope `destinations:read`.
         */
        get: operations["getDestinationStats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/destinations/{id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate a destination’s signing secret and key pair; the previous ones keep signing until the overlap ends
         * @description Requires a tenant’s key with the scope `secrets:write`.
         */
        post: operations["rotateDestinationSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/destinations/{id}/revoke-previous-secrets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Expire a destination’s previous secrets now; only the newest one keeps signing
         * @description Requires a tenant’s key with the scope `secrets:write`.
         */
        post: operations["revokePreviousSecrets"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/destinations/{id}/confirmations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send recipients of an email destination another confirmation request
         * @description Requires a tenant’s key with the scope `destinations:write`.
         */
        post: operations["requestConfirmations"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants/{id}/destinations/{destinationId}/vouch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Vouch for recipients of an email destination, so that they need not confirm
         * @description Requires the platform key.
         */
        post: operations["vouchForRecipients"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List events, newest first
         * @description Requires a tenant’s key with the scope `events:read`.
         */
        get: operations["listEvents"];
        put?: never;
        /**
         * Send an event; the response is sent once the event is durably stored
         * @description Requires a tenant’s key with the scope `events:write`.
         */
        post: operations["sendEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send up to 100 events, each accepted or rejected individually
         * @description Requires a tenant’s key with the scope `events:write`.
         */
        post: operations["sendEvents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an event with its delivery log
         * @description Requires a tenant’s key with the scope `events:read`.
         */
        get: operations["getEvent"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replay an event to the given destinations or through the current routing; the event id is kept
         * @description Requires a tenant’s key with the scope `replays:write`.
         */
        post: operations["replayEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry pending deliveries now, for one destination or for all
         * @description Requires a tenant’s key with the scope `deliveries:write`.
         */
        post: operations["retryEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events/{id}/ack": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Acknowledge an event, so that rules stop waiting; the first acknowledgement counts
         * @description Requires a tenant’s key with the scope `events:write`.
         */
        post: operations["acknowledgeEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel an event’s pending deliveries and rule steps; its log is kept
         * @description Requires a tenant’s key with the scope `events:write`.
         */
        post: operations["cancelEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events/{id}/erase": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Erase an event’s content everywhere; its delivery record is kept
         * @description Requires a tenant’s key with the scope `events:erase`.
         */
        post: operations["eraseEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/erasures/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an erasure with its progress
         * @description Requires a tenant’s key with the scope `events:read`.
         */
        get: operations["getErasure"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List deliveries, including those of replays, newest event or replay first
         * @description Requires a tenant’s key with the scope `deliveries:read`.
         */
        get: operations["listDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/replays": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List replays, newest first
         * @description Requires a tenant’s key with the scope `replays:read`.
         */
        get: operations["listReplays"];
        put?: never;
        /**
         * Start a replay of matching events, oldest first, at a given rate; each event is started at most once
         * @description Requires a tenant’s key with the scope `replays:write`.
         */
        post: operations["createReplay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/replays/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a replay with its progress and the outcomes of its events
         * @description Requires a tenant’s key with the scope `replays:read`.
         */
        get: operations["getReplay"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/replays/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pause a replay; events already started continue
         * @description Requires a tenant’s key with the scope `replays:write`.
         */
        post: operations["pauseReplay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/replays/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resume a paused replay, optionally at a new rate
         * @description Requires a tenant’s key with the scope `replays:write`.
         */
        post: operations["resumeReplay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/replays/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel a replay permanently; events already started continue
         * @description Requires a tenant’s key with the scope `replays:write`.
         */
        post: operations["cancelReplay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Preview how an event would be routed, without sending or counting anything
         * @description Requires a tenant’s key with the scope `rules:read`.
         */
        post: operations["previewRouting"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List all rules in the key’s environment in order, on one page
         * @description Requires a tenant’s key with the scope `rules:read`.
         */
        get: operations["listRules"];
        put?: never;
        /**
         * Create a rule; without a position it is added last
         * @description Requires a tenant’s key with the scope `rules:write`.
         */
        post: operations["createRule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a rule
         * @description Requires a tenant’s key with the scope `rules:read`.
         */
        get: operations["getRule"];
        put?: never;
        post?: never;
        /**
         * Delete a rule; events in progress finish with it, and its latest versions are kept
         * @description Requires a tenant’s key with the scope `rules:write`.
         */
        delete: operations["deleteRule"];
        options?: never;
        head?: never;
        /**
         * Update a rule; each given field is replaced as a whole, and null removes an optional field
         * @description Requires a tenant’s key with the scope `rules:write`.
         */
        patch: operations["updateRule"];
        trace?: never;
    };
    "/api/v1/rules/{id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Enable a rule for new events
         * @description Requires a tenant’s key with the scope `rules:write`.
         */
        post: operations["enableRule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/{id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Disable a rule without deleting it
         * @description Requires a tenant’s key with the scope `rules:write`.
         */
        post: operations["disableRule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/{id}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the latest 100 versions of a rule, including a deleted one, newest first
         * @description Requires a tenant’s key with the scope `rules:read`.
         */
        get: operations["listRuleVersions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/event-types": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List event types: registered ones first, then those of adopted contracts and of Switchyard
         * @description Requires a tenant’s key with the scope `event-types:read`.
         */
        get: operations["listEventTypes"];
        put?: never;
        /**
         * Register an event type, optionally with a JSON Schema to validate its events
         * @description Requires a tenant’s key with the scope `event-types:write`.
         */
        post: operations["createEventType"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/event-types/presets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the presets, which are the event types of each adopted contract
         * @description Requires a tenant’s key with the scope `event-types:read`.
         */
        get: operations["listEventTypePresets"];
        put?: never;
        /**
         * Register a contract’s missing event types, each with a title, a sample and a schema derived from the sample
         * @description Requires a tenant’s key with the scope `event-types:write`.
         */
        post: operations["applyEventTypePreset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/event-types/{type}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an event type: the registered one if there is one, otherwise the contract’s
         * @description Requires a tenant’s key with the scope `event-types:read`.
         */
        get: operations["getEventType"];
        put?: never;
        post?: never;
        /**
         * Delete a registered event type; its events are still accepted but no longer validated
         * @description Requires a tenant’s key with the scope `event-types:write`.
         */
        delete: operations["deleteEventType"];
        options?: never;
        head?: never;
        /**
         * Update a registered event type; null removes its title, schema or sample
         * @description Requires a tenant’s key with the scope `event-types:write`.
         */
        patch: operations["updateEventType"];
        trace?: never;
    };
    "/api/v1/templates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the templates in the key’s environment, newest first
         * @description Requires a tenant’s key with the scope `templates:read`.
         */
        get: operations["listTemplates"];
        put?: never;
        /**
         * Create a template with Liquid for the messages of one or more channels
         * @description Requires a tenant’s key with the scope `templates:write`.
         */
        post: operations["createTemplate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/templates/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Preview unsaved template parts for an event; nothing is sent
         * @description Requires a tenant’s key with the scope `templates:read`.
         */
        post: operations["previewTemplateParts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/templates/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a template
         * @description Requires a tenant’s key with the scope `templates:read`.
         */
        get: operations["getTemplate"];
        put?: never;
        post?: never;
        /**
         * Delete a template; pending deliveries that use it fall back to the default message and log the reason
         * @description Requires a tenant’s key with the scope `templates:write`.
         */
        delete: operations["deleteTemplate"];
        options?: never;
        head?: never;
        /**
         * Update a template; changing its parts creates a new version
         * @description Requires a tenant’s key with the scope `templates:write`.
         */
        patch: operations["updateTemplate"];
        trace?: never;
    };
    "/api/v1/templates/{id}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the versions of a template, including a deleted one, newest first
         * @description Requires a tenant’s key with the scope `templates:read`.
         */
        get: operations["listTemplateVersions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/templates/{id}/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Preview a template for an event; nothing is sent
         * @description Requires a tenant’s key with the scope `templates:read`.
         */
        post: operations["previewTemplate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/configuration": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export destinations, templates and rules as one YAML document, without secrets
         * @description Requires a tenant’s key with the scope `configuration:read`.
         */
        get: operations["exportConfiguration"];
        put?: never;
        /**
         * Apply a configuration document to the environment atomically
         * @description Requires a tenant’s key with the scope `configuration:write`.
         */
        post: operations["applyConfiguration"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenant/api-secret/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate the API secret, returned only in this response; until the overlap ends, the old one signs every other attempt
         * @description Requires a tenant’s key with the scope `secrets:write`.
         */
        post: operations["rotateApiSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the audit log of the key’s environment, including tenant-wide changes, newest first
         * @description Requires a tenant’s key with the scope `audit:read`.
         */
        get: operations["listAuditEntries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/head": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the latest audit chain entry of the environment and of the tenant, to detect later truncation
         * @description Requires a tenant’s key with the scope `audit:read`.
         */
        get: operations["getAuditHeads"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants/{id}/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the audit log of a tenant, including a deleted one, newest first
         * @description Requires the platform key.
         */
        get: operations["listTenantAuditEntries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants/{id}/audit/head": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the latest audit chain entries of a tenant, including a deleted one
         * @description Requires the platform key.
         */
        get: operations["getTenantAuditHeads"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/platform/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the audit log of the platform, such as changes to platform keys, newest first
         * @description Requires the platform key.
         */
        get: operations["listPlatformAuditEntries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/platform/audit/head": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the latest audit chain entry of the platform
         * @description Requires the platform key.
         */
        get: operations["getPlatformAuditHeads"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/test/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Deliver a test event to a URL and return the outcome (Webhooks API)
         * @description Requires a tenant’s key with the scope `destinations:write`.
         */
        post: operations["testWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/logs/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List webhook deliveries: pending ones first, then the most recently ended
         * @description Requires a tenant’s key with the scope `deliveries:read`.
         */
        get: operations["listWebhookLogs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/logs/{log_id}/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look up a test delivery by its log_id (Webhooks API)
         * @description Requires a tenant’s key with the scope `deliveries:read`.
         */
        get: operations["getWebhookLog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List all webhooks in the key’s environment (Webhooks API), newest first
         * @description Requires a tenant’s key with the scope `destinations:read`.
         */
        get: operations["listWebhooks"];
        put?: never;
        /**
         * Create a webhook (Webhooks API); its secret key is returned only in this response
         * @description Requires a tenant’s key with the scope `destinations:write`.
         */
        post: operations["createWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{webhook_id}/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a webhook (Webhooks API)
         * @description Requires a tenant’s key with the scope `destinations:read`.
         */
        get: operations["getWebhook"];
        put?: never;
        post?: never;
        /**
         * Delete a webhook permanently (Webhooks API)
         * @description Requires a tenant’s key with the scope `destinations:write`.
         */
        delete: operations["deleteWebhook"];
        options?: never;
        head?: never;
        /**
         * Update a webhook (Webhooks API)
         * @description Requires a tenant’s key with the scope `destinations:write`.
         */
        patch: operations["updateWebhook"];
        trace?: never;
    };
    "/api/v1/tenant/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the notification settings of the key’s environment (KYC-Webhooks)
         * @description Requires a tenant’s key with the scope `destinations:read`.
         */
        get: operations["getTenantSettings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Update the notification settings (KYC-Webhooks); null disables a channel, masked values are kept
         * @description Requires a tenant’s key with the scope `destinations:write`.
         */
        patch: operations["updateTenantSettings"];
        trace?: never;
    };
    "/api/v1/tenant/settings/reveal-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Reveal the webhook secret (KYC-Webhooks); each call is recorded in the audit log
         * @description Requires a tenant’s key with the scope `secrets:read`.
         */
        post: operations["revealWebhookSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v3/notifications/webhook/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List webhook invocations, oldest first (Dataspike)
         * @description Requires a tenant’s key with the scope `events:read`.
         */
        get: operations["listWebhookHistory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface webhooks {
    "standard-webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event in the wire format standard-webhooks
         * @description Signed with the destination’s secret; the example with `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
         */
        post: operations["onStandardWebhooks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    cloudevents: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event in the wire format cloudevents
         * @description Signed with the destination’s secret; the example with `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
         */
        post: operations["onCloudevents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    dataspike: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event in the wire format dataspike
         * @description Signed with the destination’s secret; the example with `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
         */
        post: operations["onDataspike"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "kyc-webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event in the wire format kyc-webhooks
         * @description Signed with the destination’s secret; the example with `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
         */
        post: operations["onKycWebhooks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "smart-kyc": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event in the wire format smart-kyc
         * @description Signed with the tenant’s API secret; the example with `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
         */
        post: operations["onSmartKyc"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "destination.disabled": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A destination was disabled: it answered 410, or every attempt has failed for five days.
         * @description Signed with the destination’s secret; the example with `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
         */
        post: operations["onDestinationDisabled"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "destination.recovered": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A disabled destination was reactivated.
         * @description Signed with the destination’s secret; the example with `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
         */
        post: operations["onDestinationRecovered"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "delivery.failing": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The fourth attempt of a delivery failed. Sent once per destination until a delivery to it succeeds.
         * @description Signed with the destination’s secret; the example with `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
         */
        post: operations["onDeliveryFailing"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "delivery.exhausted": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A delivery failed for good: its retry schedule is exhausted, it was rejected, or the event expired.
         * @description Signed with the destination’s secret; the example with `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
         */
        post: operations["onDeliveryExhausted"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    digest: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Events that a rule has collected, as one event. by and key name what they have in common if the rule groups by a path.
         * @description Signed with the destination’s secret; the example with `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
         */
        post: operations["onDigest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "email.unsubscribed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A recipient of an email destination unsubscribed from it.
         * @description Signed with the destination’s secret; the example with `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
         */
        post: operations["onEmailUnsubscribed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "key.rotated": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A signing secret was rotated: a destination’s, or the tenant’s API secret. The previous one signs as well until previousEndsAt.
         * @description Signed with the destination’s secret; the example with `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
         */
        post: operations["onKeyRotated"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface components {
    schemas: {
        AcceptedEvent: {
            id: string;
            type: string;
            /** @enum {string} */
            status: "accepted";
            createdAt: string;
            /** @enum {boolean} */
            duplicate?: true;
        };
        AcknowledgedEvent: {
            id: string;
            acknowledgement: components["schemas"]["Acknowledgement"];
            /** @description Whether this request’s acknowledgement is the one that counts; if false, an earlier one does. */
            first: boolean;
        };
        Acknowledgement: {
            at: string;
            by: string;
            /** @enum {string} */
            via: "api" | "link";
            note?: string;
            /** @description The key used to acknowledge. */
            keyId?: string;
            /** @description The destination to which the link was sent. */
            destinationId?: string;
        };
        ApiSecretRotation: {
            /** @default 24h */
            overlap?: string;
        };
        AppliedConfiguration: {
            /** @description False on a dry run. */
            applied: boolean;
            changes: components["schemas"]["ConfigurationChange"][];
            /** @description Resources that are kept although the document does not contain them. */
            unmanaged: components["schemas"]["UnmanagedResource"][];
            /** @description Generated signing secrets, returned only in this response. */
            secrets?: components["schemas"]["NewDestinationSecret"][];
            /** @description All diffs concatenated. */
            diff: string;
        };
        Attempt: {
            number: number;
            at: string;
            /** @enum {string} */
            outcome: "delivered" | "rejected" | "failed";
            responseCode?: number;
            durationMs: number;
            responseExcerpt?: string;
            /** @description The request headers; secret values are masked. */
            requestHeaders?: {
                [key: string]: string;
            };
            error?: string;
            /**
             * @description The stage at which the attempt failed.
             * @enum {string}
             */
            errorClass?: "dns" | "connection" | "tls" | "timeout" | "protocol" | "blocked" | "http" | "smtp" | "setup" | "internal";
            /** @description The template used for the message. */
            template?: {
                id: string;
                version: number;
            };
            /** @description Why the default message was sent instead of the template’s. */
            templateFault?: string;
        };
        AuditEntry: {
            id: string;
            at: string;
            /** @description Absent on tenant-wide entries. */
            environment?: string;
            action: string;
            /** @description The id of the affected resource. */
            subject?: string;
            keyId: string;
            /** @description The browser session, if a person acted rather than a program. */
            session?: string;
            /** @description The IP address of the caller. */
            address?: string;
            /** @description The state before: the changed fields, or the whole deleted resource. */
            before?: {
                [key: string]: unknown;
            };
            /** @description The state after: the changed fields, or the whole created resource. */
            after?: {
                [key: string]: unknown;
            };
            /** @description The position in the audit chain; absent on entries older than the chain. */
            sequence?: number;
            hash?: string;
        };
        AuditHead: {
            /** @description `<tenant>/<environment>`, `<tenant>` or `platform`. */
            chain: string;
            /** @description The number of entries in the chain; 0 if it is empty. */
            sequence: number;
            hash: string | null;
        };
        AuditHeads: {
            data: components["schemas"]["AuditHead"][];
        };
        AuditPage: {
            data: components["schemas"]["AuditEntry"][];
            nextCursor: string | null;
        };
        AwaitAckStep: {
            within: string;
            /** @description Steps to run if the event is not acknowledged in time. */
            otherwise?: components["schemas"]["RuleStep"][];
        };
        AwaitAckStepInput: {
            within: string;
            /** @description Steps to run if the event is not acknowledged in time. */
            otherwise?: components["schemas"]["RuleStepInput"][];
        };
        BatchResult: {
            status: number;
            id?: string;
            error?: components["schemas"]["Problem"];
        };
        BatchResults: {
            results: components["schemas"]["BatchResult"][];
        };
        BranchStep: {
            filter: {
                [key: string]: unknown;
            };
            steps: components["schemas"]["RuleStep"][];
            else?: components["schemas"]["RuleStep"][];
        };
        BranchStepInput: {
            filter: {
                [key: string]: unknown;
            };
            steps: components["schemas"]["RuleStepInput"][];
            else?: components["schemas"]["RuleStepInput"][];
        };
        ConfigurationChange: {
            /** @enum {string} */
            kind: "destination" | "template" | "rule";
            name: string;
            id: string;
            /** @enum {string} */
            change: "created" | "changed" | "deleted" | "unchanged";
            /** @description A unified diff of its YAML; secrets are masked. */
            diff?: string;
        };
        ConfigurationDocument: {
            /** @enum {integer} */
            switchyard: 1;
            /**
             * @description If given, it must match the key’s environment.
             * @enum {string}
             */
            environment?: "sandbox" | "production";
            /** @description As in POST /destinations, without secret. Set `id` where the name is ambiguous. If the list is omitted, its section is left unchanged. */
            destinations?: components["schemas"]["DestinationEntry"][];
            /** @description As in POST /templates. Set `id` where the name is ambiguous. If the list is omitted, its section is left unchanged. */
            templates?: components["schemas"]["TemplateEntry"][];
            /** @description As in POST /rules, in order, with names instead of ids. Set `id` where the name is ambiguous. If the list is omitted, its section is left unchanged. */
            rules?: components["schemas"]["RuleEntry"][];
        };
        ConfirmationRequest: {
            /** @description The default is all recipients who were asked and have not confirmed. */
            addresses?: string[];
        };
        CreatedWebhook: {
            /** Format: uuid */
            id: string;
            event_type: string;
            webhook_url: string;
            secret_key: string;
            message: string;
        };
        DailyStats: {
            /** @description All deliveries, including replays and tests. */
            total: number;
            succeeded: number;
            /** @description Deliveries that failed permanently, of events that have ended. */
            failed: number;
            /** @description YYYY-MM-DD, in UTC */
            day: string;
        };
        /** @description Act on only one event with the same value of `by` per `within`. */
        Dedupe: {
            by: string;
            within: string;
        };
        Delay: string | components["schemas"]["UntilTime"];
        DeletedWebhook: {
            message: string;
        };
        DeliverStep: {
            /** @description Ids of destinations in the same environment; their subscriptions are ignored. */
            to: string[];
            template?: string;
            /** @description Steps to run if any delivery of this step failed, once all have ended. */
            onFailure?: components["schemas"]["RuleStep"][];
            /**
             * @description The next step waits until all deliveries of this one have ended.
             * @enum {string}
             */
            waitFor?: "outcome";
        };
        DeliverStepInput: {
            /** @description Ids of destinations in the same environment; their subscriptions are ignored. */
            to: string[];
            template?: string;
            /** @description Steps to run if any delivery of this step failed, once all have ended. */
            onFailure?: components["schemas"]["RuleStepInput"][];
            /**
             * @description The next step waits until all deliveries of this one have ended.
             * @enum {string}
             */
            waitFor?: "outcome";
        };
        Delivery: {
            destinationId: string;
            channel: string;
            /** @description The path of the rule step that made the delivery. */
            step?: string;
            /** @enum {string} */
            status: "pending" | "delivered" | "failed" | "skipped" | "held";
            /**
             * @description The message says how to acknowledge the event.
             * @enum {boolean}
             */
            acknowledgeable?: true;
            reason?: string;
            nextAttemptAt?: string;
            /**
             * @description The destination would have received the event if it had been active.
             * @enum {boolean}
             */
            missed?: true;
            attempts: components["schemas"]["Attempt"][];
            /** @description From the latest attempt; present only if the log is incomplete. */
            responseCode?: number;
            /** @description From the latest attempt; present only if the log is incomplete. */
            lastAttemptAt?: string;
        };
        DeliveryPage: {
            /** @description A page can have fewer items than the limit, or none, although more follow; check nextCursor. */
            data: components["schemas"]["ListedDelivery"][];
            nextCursor: string | null;
        };
        DeliveryPolicy: {
            /**
             * @default [
             *       "0s",
             *       "5s",
             *       "5m",
             *       "30m",
             *       "2h",
             *       "5h",
             *       "10h",
             *       "14h",
             *       "20h",
             *       "24h"
             *     ]
             */
            schedule: string[];
            /** @default 10000 */
            timeoutMs: number;
            /** @description Attempts a second; those beyond it wait, in order. By default what the channel’s service takes (1 for slack, 4 for teams), or no limit. */
            maxPerSecond?: number;
            /** @description Maximum attempts in flight. */
            maxConcurrent?: number;
            ordering?: components["schemas"]["Ordering"];
        };
        DeliveryPolicyInput: {
            /**
             * @default [
             *       "0s",
             *       "5s",
             *       "5m",
             *       "30m",
             *       "2h",
             *       "5h",
             *       "10h",
             *       "14h",
             *       "20h",
             *       "24h"
             *     ]
             */
            schedule?: string[];
            /** @default 10000 */
            timeoutMs?: number;
            /** @description Attempts a second; those beyond it wait, in order. By default what the channel’s service takes (1 for slack, 4 for teams), or no limit. */
            maxPerSecond?: number;
            /** @description Maximum attempts in flight. */
            maxConcurrent?: number;
            ordering?: components["schemas"]["Ordering"];
        };
        DeliveryPolicyPatch: {
            schedule?: string[];
            timeoutMs?: number;
            maxPerSecond?: number | null;
            maxConcurrent?: number | null;
            ordering?: components["schemas"]["Ordering"] | null;
        };
        DeliverySummary: {
            destinationId: string;
            channel: string;
            /** @description The path of the rule step that made the delivery. */
            step?: string;
            /** @enum {string} */
            status: "pending" | "delivered" | "failed" | "skipped" | "held";
            /**
             * @description The message says how to acknowledge the event.
             * @enum {boolean}
             */
            acknowledgeable?: true;
            attempts: number;
            /** @description The status code of the latest attempt. */
            responseCode?: number;
            lastAttemptAt?: string;
            nextAttemptAt?: string;
            /**
             * @description Set when the event has very many deliveries; attempts are then counted only in the list of deliveries.
             * @enum {boolean}
             */
            delegated?: true;
        };
        Destination: {
            id: string;
            name: string;
            channel: string;
            /** @enum {string} */
            environment: "sandbox" | "production";
            /** @enum {string} */
            status: "active" | "paused" | "disabled";
            statusReason?: string;
            /** @description When the status last changed. */
            statusAt: string;
            /** @description The first failed attempt since the last successful one; the destination is disabled after 5 days of failures. */
            failingSince?: string;
            /** @description Secrets are masked. */
            config: {
                [key: string]: unknown;
            };
            subscription: components["schemas"]["Subscription"];
            delivery: components["schemas"]["DeliveryPolicy"];
            /** @description Verifies v1a signatures (ed25519). */
            publicKey?: string;
            /** @description During a rotation’s overlap: when the last of the previous secrets stops signing. */
            previousSecretsEndAt?: string;
            /** @description Email destinations only: the recipients and whether they have confirmed. */
            recipients?: components["schemas"]["Recipient"][];
            createdAt: string;
            updatedAt: string;
        };
        DestinationDecision: {
            matched: boolean;
            reason: string;
            destinationId: string;
            /**
             * @description The destination would have received the event if it had been active.
             * @enum {boolean}
             */
            missed?: true;
        };
        DestinationEntry: components["schemas"]["WebhookDestinationEntry"] | components["schemas"]["EmailDestinationEntry"] | components["schemas"]["SlackDestinationEntry"] | components["schemas"]["TeamsDestinationEntry"];
        DestinationPage: {
            data: components["schemas"]["Destination"][];
            nextCursor: string | null;
        };
        DestinationPatch: {
            name?: string;
            config?: {
                [key: string]: unknown;
            };
            subscription?: components["schemas"]["Subscription"];
            delivery?: components["schemas"]["DeliveryPolicyPatch"];
            /** @enum {string} */
            status?: "active" | "paused";
            /** @description null generates a new secret. */
            secret?: string | null;
        };
        DestinationStats: {
            /** @description All deliveries, including replays and tests. */
            total: number;
            succeeded: number;
            /** @description Deliveries that failed permanently, of events that have ended. */
            failed: number;
            /** @description Deliveries waiting for an attempt. Exact for up to 1,000 events in progress; above that, an upper bound. */
            pending: number;
            lastAttemptAt: string | null;
            /** @description The last days, including today, oldest first. A delivery is counted when its event ends. */
            days: components["schemas"]["DailyStats"][];
        };
        DestinationTest: {
            /** @description The default is a type that the destination subscribes to by name, otherwise "test". */
            eventType?: string;
            /** @description The default is the type’s sample payload. */
            data?: {
                [key: string]: unknown;
            };
        };
        DestinationTestResult: {
            eventId: string;
            logId: number;
            type: string;
            delivery: components["schemas"]["Delivery"];
        };
        DigestSettings: {
            /** @description How long to collect events, starting with the first one; at most 7d. */
            window: string;
            /** @description Create one digest per value at this path. */
            by?: string;
            /**
             * @description The maximum number of events in a digest; a full digest is sent immediately.
             * @default 100
             */
            max: number;
        };
        DigestSettingsInput: {
            /** @description How long to collect events, starting with the first one; at most 7d. */
            window: string;
            /** @description Create one digest per value at this path. */
            by?: string;
            /**
             * @description The maximum number of events in a digest; a full digest is sent immediately.
             * @default 100
             */
            max?: number;
        };
        EmailConfig: {
            to: string[];
            /** Format: idn-email */
            from?: string;
            smtpUrl?: string;
        };
        EmailDestinationEntry: {
            name: string;
            /** @enum {string} */
            channel: "email";
            config: components["schemas"]["EmailConfig"];
            subscription: components["schemas"]["Subscription"];
            /** @default {} */
            delivery?: components["schemas"]["DeliveryPolicyInput"];
            /** @enum {string} */
            status?: "active" | "paused";
            id?: string;
        };
        EmailTemplateParts: {
            /** @description One line of plain text. */
            subject?: string;
            /** @description Plain text. Without an html part, the mail has no HTML. */
            text?: string;
            /** @description HTML; inserted values are escaped. */
            html?: string;
        };
        Erasure: {
            id: string;
            eventId: string;
            /** @enum {string} */
            status: "running" | "completed";
            reason?: string;
            createdAt: string;
            completedAt?: string;
            /** @description The number of erased workflow executions: of the event, its replays, their child workflows and digests. */
            runs: number;
            /** @description The number of digests that contained the event and were erased with it. */
            digests: number;
            /** @description The number of erased archive lines. */
            archivedLines: number;
        };
        ErasureRequest: {
            /** @description The reason is kept, so it must not identify anyone. */
            reason?: string;
        };
        Event: {
            /** @enum {string} */
            status: "pending" | "delivered" | "partial" | "failed" | "digested" | "unrouted";
            reason?: string;
            deliveries: components["schemas"]["Delivery"][];
            routing: components["schemas"]["RoutingDecision"][];
            /** @description The steps of the rules that act, in the order in which they started. */
            steps?: components["schemas"]["EventStep"][];
            acknowledgement?: components["schemas"]["Acknowledgement"];
            /** @description The workflow is failing because of a fault in Switchyard. It is retried and continues once an operator has fixed the fault; nothing is lost. */
            stuck?: {
                since: string;
                attempts: number;
                /** @enum {string} */
                cause: "exception" | "nondeterminism" | "refused-command";
            };
            id: string;
            type: string;
            /** @enum {string} */
            environment: "sandbox" | "production";
            /**
             * @description Set on test events.
             * @enum {boolean}
             */
            test?: true;
            /** @description Null after erasure. */
            data: {
                [key: string]: unknown;
            } | null;
            erased?: {
                at: string;
                erasureId: string;
            };
            createdAt: string;
            expiresAt?: string;
            /** @description The number of webhooks in the chain that caused the event. */
            hops?: number;
            replays: components["schemas"]["EventReplay"][];
            temporalUrl?: string;
            /** @description Why the log is incomplete: the event is not routed yet, its workflow is stuck, or no worker is responding. The summary is returned instead. */
            incomplete?: string;
        };
        EventPage: {
            data: components["schemas"]["EventSummary"][];
            nextCursor: string | null;
        };
        EventReference: {
            id: string;
        };
        EventReplay: {
            /** @enum {string} */
            status: "pending" | "delivered" | "partial" | "failed" | "digested" | "unrouted";
            reason?: string;
            deliveries: components["schemas"]["Delivery"][];
            routing: components["schemas"]["RoutingDecision"][];
            /** @description The steps of the rules that act, in the order in which they started. */
            steps?: components["schemas"]["EventStep"][];
            acknowledgement?: components["schemas"]["Acknowledgement"];
            /** @description The workflow is failing because of a fault in Switchyard. It is retried and continues once an operator has fixed the fault; nothing is lost. */
            stuck?: {
                since: string;
                attempts: number;
                /** @enum {string} */
                cause: "exception" | "nondeterminism" | "refused-command";
            };
            replayId: string;
            createdAt: string;
        };
        EventReplayRequest: {
            destinations?: string[];
        };
        EventRetry: {
            id: string;
            retrying: string[];
        };
        EventRetryRequest: {
            destination?: string;
        };
        EventStep: {
            /** @description The path of the step in its rule, such as rul_…/1.otherwise.0. */
            path: string;
            /** @enum {string} */
            kind: "deliver" | "delay" | "awaitAck" | "branch" | "digest" | "stop";
            /** @enum {string} */
            status: "running" | "waiting" | "done" | "skipped";
            reason?: string;
            at: string;
            /** @description For a waiting step: the latest time at which the wait ends. */
            until?: string;
            endedAt?: string;
            /** @description The id of the digest that includes this event. */
            digestId?: string;
        };
        EventSummary: {
            id: string;
            type: string;
            createdAt: string;
            /** @enum {boolean} */
            test?: true;
            /** @description When the event’s content was erased. */
            erasedAt?: string;
            /** @enum {string} */
            status: "pending" | "delivered" | "partial" | "failed" | "digested" | "unrouted";
            acknowledgedAt?: string;
            deliveries: components["schemas"]["DeliverySummary"][];
        };
        EventType: {
            type: string;
            /** @enum {string} */
            source: "own" | "contract";
            aliases: string[];
            description: string;
            group?: string;
            contract?: string;
            title?: string;
            schema?: {
                [key: string]: unknown;
            };
            sample?: {
                [key: string]: unknown;
            };
            enforce?: boolean;
            createdAt?: string;
            updatedAt?: string;
        };
        EventTypePatch: {
            description?: string;
            title?: string | null;
            schema?: {
                [key: string]: unknown;
            } | null;
            sample?: {
                [key: string]: unknown;
            } | null;
            /** @description Reject events whose data does not match the schema. */
            enforce?: boolean;
        };
        EventTypePreset: {
            preset: string;
            types: string[];
        };
        EventTypePresetRequest: {
            /** @enum {string} */
            preset: "webhooks-api" | "dataspike" | "kyc-webhooks" | "smart-kyc";
            /** @default false */
            enforce?: boolean;
        };
        EventTypePresets: {
            data: components["schemas"]["EventTypePreset"][];
        };
        EventTypes: {
            data: components["schemas"]["EventType"][];
        };
        ExportedConfiguration: {
            /** @description The version of the document. */
            switchyard: number;
            /** @enum {string} */
            environment: "sandbox" | "production";
            /** @description Secrets are masked. */
            destinations: {
                [key: string]: unknown;
            }[];
            templates: {
                [key: string]: unknown;
            }[];
            /** @description In evaluation order. */
            rules: {
                [key: string]: unknown;
            }[];
        };
        FailedWebhookTest: {
            success: boolean;
            message: string;
            log_id: number;
            http_status_code: number | null;
        };
        FieldProblem: {
            /** @description The field, such as config.url; (body) is the whole body. */
            path: string;
            message: string;
        };
        Forecast: {
            at: string;
            steps: (components["schemas"]["ForecastRule"] | components["schemas"]["ForecastSubscribers"])[];
            routing: components["schemas"]["RoutingDecision"][];
        };
        ForecastAwaitAck: {
            /** @enum {string} */
            kind: "awaitAck";
            path: string;
            /** @description When the step starts. */
            at?: string;
            /** @description Given instead of `at` if the step may start at any time or not at all. */
            after?: string;
            /** @description When the wait ends. */
            until?: string;
            within: string;
            /** @description Who else could know of the event, if this rule has not delivered it to anyone. */
            warning?: string;
            otherwise: components["schemas"]["ForecastStep"][];
        };
        ForecastBranch: {
            /** @enum {string} */
            kind: "branch";
            path: string;
            /** @description When the step starts. */
            at?: string;
            /** @description Given instead of `at` if the step may start at any time or not at all. */
            after?: string;
            /** @description When the wait ends. */
            until?: string;
            /** @enum {string} */
            taken: "steps" | "else";
            steps: components["schemas"]["ForecastStep"][];
        };
        ForecastDelay: {
            /** @enum {string} */
            kind: "delay";
            path: string;
            /** @description When the step starts. */
            at?: string;
            /** @description Given instead of `at` if the step may start at any time or not at all. */
            after?: string;
            /** @description When the wait ends. */
            until?: string;
            forMs?: number;
            untilTime?: string;
            timezone?: string;
        };
        ForecastDeliver: {
            /** @enum {string} */
            kind: "deliver";
            path: string;
            /** @description When the step starts. */
            at?: string;
            /** @description Given instead of `at` if the step may start at any time or not at all. */
            after?: string;
            /** @description When the wait ends. */
            until?: string;
            deliveries: components["schemas"]["ForecastDelivery"][];
            /** @description Destinations that the rule references but that receive nothing. */
            missing?: components["schemas"]["MissingDestination"][];
            /** @enum {string} */
            waitFor?: "outcome";
            onFailure?: components["schemas"]["ForecastStep"][];
        };
        ForecastDelivery: {
            destinationId: string;
            channel: string;
            name?: string;
            template?: string;
            /** @description Why nothing would be sent now. */
            skipped?: string;
            /** @description How many recipients would receive nothing, and why. */
            leftOut?: string;
            /** @description Why the default message would be sent instead of the template’s. */
            templateFault?: string;
        };
        ForecastDigest: {
            /** @enum {string} */
            kind: "digest";
            path: string;
            /** @description When the step starts. */
            at?: string;
            /** @description Given instead of `at` if the step may start at any time or not at all. */
            after?: string;
            /** @description When the wait ends. */
            until?: string;
            max: number;
            /** @description The value that the digest’s events share. */
            key?: string;
            /** @description The steps that the rule runs for the digest. */
            then: components["schemas"]["RuleStep"][];
        };
        ForecastRule: {
            /** @enum {string} */
            kind: "rule";
            ruleId: string;
            version: number;
            name: string;
            at: string;
            steps: components["schemas"]["ForecastStep"][];
        };
        ForecastStep: components["schemas"]["ForecastDeliver"] | components["schemas"]["ForecastDelay"] | components["schemas"]["ForecastAwaitAck"] | components["schemas"]["ForecastBranch"] | components["schemas"]["ForecastDigest"] | components["schemas"]["ForecastStop"];
        ForecastStop: {
            /** @enum {string} */
            kind: "stop";
            path: string;
            /** @description When the step starts. */
            at?: string;
            /** @description Given instead of `at` if the step may start at any time or not at all. */
            after?: string;
            /** @description When the wait ends. */
            until?: string;
            reason?: string;
        };
        /** @description No rule matches, so the destinations’ subscriptions decide. */
        ForecastSubscribers: {
            /** @enum {string} */
            kind: "deliver";
            at: string;
            deliveries: components["schemas"]["ForecastDelivery"][];
        };
        Key: {
            id: string;
            name?: string;
            lastFour: string;
            createdAt: string;
            expiresAt?: string;
            revokedAt?: string;
            /** @description Accurate to the minute. */
            lastUsedAt?: string;
            /** @description The id of the key that replaced this one. */
            replacedBy?: string;
            /** @enum {string} */
            environment: "sandbox" | "production";
            scopes: string[];
        };
        KeyPage: {
            data: components["schemas"]["Key"][];
            nextCursor: string | null;
        };
        KeyRotation: {
            /**
             * @description How long the previous key keeps working, at most 7d; 0s ends it immediately.
             * @default 24h
             */
            overlap?: string;
            /**
             * Format: date-time
             * @description The expiry of the new key; the default is that of the previous key.
             */
            expiresAt?: string;
        };
        ListedDelivery: {
            destinationId: string;
            channel: string;
            /** @description The path of the rule step that made the delivery. */
            step?: string;
            /** @enum {string} */
            status: "pending" | "delivered" | "failed" | "skipped" | "held";
            /**
             * @description The message says how to acknowledge the event.
             * @enum {boolean}
             */
            acknowledgeable?: true;
            attempts: number;
            /** @description The status code of the latest attempt. */
            responseCode?: number;
            lastAttemptAt?: string;
            nextAttemptAt?: string;
            eventId: string;
            type: string;
            /** @description When the event was accepted. */
            createdAt: string;
            /** @enum {boolean} */
            test?: true;
            /** @description The replay that made the delivery. */
            replayId?: string;
        };
        MissingDestination: {
            destinationId: string;
            reason: string;
        };
        NewAcknowledgement: {
            /** @description Who acknowledged the event; the default is the key’s name. */
            by?: string;
            note?: string;
        };
        NewDestination: components["schemas"]["NewWebhookDestination"] | components["schemas"]["NewEmailDestination"] | components["schemas"]["NewSlackDestination"] | components["schemas"]["NewTeamsDestination"];
        NewDestinationSecret: {
            destination: string;
            secret: string;
        };
        NewEmailDestination: {
            name: string;
            /** @enum {string} */
            channel: "email";
            config: components["schemas"]["EmailConfig"];
            subscription: components["schemas"]["Subscription"];
            /** @default {} */
            delivery?: components["schemas"]["DeliveryPolicyInput"];
            /** @enum {string} */
            status?: "active" | "paused";
            /** @description Your own signing secret; generated if omitted. */
            secret?: string;
        };
        NewEvent: {
            id?: string;
            type: string;
            data: {
                [key: string]: unknown;
            };
            /**
             * Format: date-time
             * @description No attempt is made after this time; deliveries still pending then fail.
             */
            expiresAt?: string;
            /** @description Time to live from acceptance, such as 15m; an alternative to expiresAt. */
            ttl?: string;
        };
        NewEvents: {
            events: components["schemas"]["NewEvent"][];
        };
        NewEventType: {
            type: string;
            /** @default  */
            description?: string;
            /** @description A Liquid template for the title of messages about events of this type, such as {{ data.name }}: {{ data.status }}. */
            title?: string;
            /** @description The JSON Schema of the event’s data: 2020-12, or draft-07 if $schema says so. */
            schema?: {
                [key: string]: unknown;
            };
            sample?: {
                [key: string]: unknown;
            };
            /**
             * @description Reject events whose data does not match the schema.
             * @default false
             */
            enforce?: boolean;
        };
        NewKey: {
            id: string;
            name?: string;
            lastFour: string;
            createdAt: string;
            expiresAt?: string;
            revokedAt?: string;
            /** @description Accurate to the minute. */
            lastUsedAt?: string;
            /** @description The id of the key that replaced this one. */
            replacedBy?: string;
            /** @enum {string} */
            environment: "sandbox" | "production";
            scopes: string[];
            /** @description Returned only in this response. */
            key: string;
        };
        NewKeyRequest: {
            /** @description Only scopes that the calling key has. */
            scopes: ("*" | "settings:read" | "settings:write" | "events:read" | "events:write" | "events:erase" | "deliveries:read" | "deliveries:write" | "replays:read" | "replays:write" | "destinations:read" | "destinations:write" | "rules:read" | "rules:write" | "templates:read" | "templates:write" | "event-types:read" | "event-types:write" | "configuration:read" | "configuration:write" | "secrets:read" | "secrets:write" | "keys:read" | "keys:write" | "audit:read")[];
            name?: string;
            /**
             * Format: date-time
             * @description Not later than the calling key’s expiry, which is the default.
             */
            expiresAt?: string;
        };
        NewPlatformKey: {
            id: string;
            name?: string;
            lastFour: string;
            createdAt: string;
            expiresAt?: string;
            revokedAt?: string;
            /** @description Accurate to the minute. */
            lastUsedAt?: string;
            /** @description The id of the key that replaced this one. */
            replacedBy?: string;
            /** @description Returned only in this response. */
            key: string;
        };
        NewPlatformKeyRequest: {
            name?: string;
            /** Format: date-time */
            expiresAt?: string;
        };
        NewReplay: {
            /**
             * Format: date-time
             * @description Events accepted at this time or later.
             */
            from: string;
            /**
             * Format: date-time
             * @description Events accepted before this time; the default is now.
             */
            to?: string;
            /** @description Only deliveries to this destination; the default is all destinations. */
            destination?: string;
            /**
             * @description `missed`: events that the destination would have received if it had been active; `undelivered`: missed and failed events.
             * @default failed
             * @enum {string}
             */
            status?: "failed" | "missed" | "undelivered" | "all";
            /** @description An event type, or a prefix followed by *. */
            type?: string;
            /**
             * @description Events started per second.
             * @default 20
             */
            ratePerSecond?: number;
            /**
             * @description `archive`: events whose log has expired but which are archived.
             * @default log
             * @enum {string}
             */
            source?: "log" | "archive";
            /**
             * @description Route the events again with the current rules and subscriptions instead of resending them where they failed.
             * @enum {string}
             */
            rules?: "today";
        };
        NewRule: {
            name: string;
            when: components["schemas"]["RuleCondition"];
            steps: components["schemas"]["RuleStepInput"][];
            /** @description Deliveries wait until the windows are over. A single window needs no array. */
            quietHours?: components["schemas"]["QuietWindow"][];
            digest?: components["schemas"]["DigestSettingsInput"];
            throttle?: components["schemas"]["Throttle"];
            dedupe?: components["schemas"]["Dedupe"];
            /** @description If the rule matches, later rules are not evaluated. */
            exclusive?: boolean;
            /** @default true */
            enabled?: boolean;
            /** @description The position in the evaluation order, starting at 1; values past the end mean last. */
            position?: number;
        };
        NewSlackDestination: {
            name: string;
            /** @enum {string} */
            channel: "slack";
            config: components["schemas"]["SlackConfig"];
            subscription: components["schemas"]["Subscription"];
            /** @default {} */
            delivery?: components["schemas"]["DeliveryPolicyInput"];
            /** @enum {string} */
            status?: "active" | "paused";
            /** @description Your own signing secret; generated if omitted. */
            secret?: string;
        };
        NewTeamsDestination: {
            name: string;
            /** @enum {string} */
            channel: "teams";
            config: components["schemas"]["TeamsConfig"];
            subscription: components["schemas"]["Subscription"];
            /** @default {} */
            delivery?: components["schemas"]["DeliveryPolicyInput"];
            /** @enum {string} */
            status?: "active" | "paused";
            /** @description Your own signing secret; generated if omitted. */
            secret?: string;
        };
        NewTemplate: {
            name: string;
            /**
             * @description Event types or patterns for which this template is the default.
             * @default []
             */
            eventTypes?: string[];
            parts: components["schemas"]["TemplatePartsInput"];
        };
        NewTenant: {
            name: string;
            /** @default {} */
            limits?: components["schemas"]["TenantLimitsInput"];
            /**
             * @description Paths of event fields whose values are not shown, such as data.document.number.
             * @default []
             */
            redact?: string[];
            /**
             * @description `confirm`: each email recipient must confirm by link before it receives mail. `vouched`: the platform vouches for the tenant’s recipients.
             * @default confirm
             * @enum {string}
             */
            emailConsent?: "confirm" | "vouched";
        };
        NewTenantKey: {
            id: string;
            name?: string;
            lastFour: string;
            createdAt: string;
            expiresAt?: string;
            revokedAt?: string;
            /** @description Accurate to the minute. */
            lastUsedAt?: string;
            /** @description The id of the key that replaced this one. */
            replacedBy?: string;
            /** @enum {string} */
            environment: "sandbox" | "production";
            scopes: string[];
            /** @description Returned only in this response. */
            key: string;
            /** @description The tenant’s API secret; returned only with the first key in the environment. */
            apiSecret?: string;
        };
        NewTenantKeyRequest: {
            /** @enum {string} */
            environment: "sandbox" | "production";
            /**
             * @default [
             *       "*"
             *     ]
             */
            scopes?: ("*" | "settings:read" | "settings:write" | "events:read" | "events:write" | "events:erase" | "deliveries:read" | "deliveries:write" | "replays:read" | "replays:write" | "destinations:read" | "destinations:write" | "rules:read" | "rules:write" | "templates:read" | "templates:write" | "event-types:read" | "event-types:write" | "configuration:read" | "configuration:write" | "secrets:read" | "secrets:write" | "keys:read" | "keys:write" | "audit:read")[];
            name?: string;
            /** Format: date-time */
            expiresAt?: string;
        };
        NewWebhook: {
            event_type: string;
            webhook_url: string;
            description?: string;
            filters?: {
                [key: string]: unknown;
            };
        };
        NewWebhookDestination: {
            name: string;
            /** @enum {string} */
            channel: "webhook";
            config: components["schemas"]["WebhookConfig"];
            subscription: components["schemas"]["Subscription"];
            /** @default {} */
            delivery?: components["schemas"]["DeliveryPolicyInput"];
            /** @enum {string} */
            status?: "active" | "paused";
            /** @description Your own signing secret; generated if omitted. */
            secret?: string;
        };
        Ordering: {
            /** @description Events with the same value at this path are delivered one at a time, in order. */
            by: string;
        };
        PlatformKey: {
            id: string;
            name?: string;
            lastFour: string;
            createdAt: string;
            expiresAt?: string;
            revokedAt?: string;
            /** @description Accurate to the minute. */
            lastUsedAt?: string;
            /** @description The id of the key that replaced this one. */
            replacedBy?: string;
        };
        PlatformKeyPage: {
            data: components["schemas"]["PlatformKey"][];
            nextCursor: string | null;
        };
        /** @description Problem details (RFC 9457). Decide by `code` and `status`. */
        Problem: {
            /** @description `urn:switchyard:error:` and the code. */
            type: string;
            title: string;
            status: number;
            /** @enum {string} */
            code: "bad_request" | "invalid_json" | "unauthorized" | "forbidden" | "not_found" | "request_timeout" | "event_id_conflict" | "already_exists" | "erased" | "already_ended" | "conflict" | "limit_reached" | "payload_too_large" | "invalid_request" | "loop_detected" | "rate_limited" | "headers_too_large" | "internal" | "unavailable" | "overloaded";
            /** @description What is wrong and how to fix it, for people. */
            detail: string;
            /** @description The fields that are wrong. */
            errors?: components["schemas"]["FieldProblem"][];
        };
        QuietWindow: {
            timezone: string;
            between: string[];
            /** @description The days on which the window starts; the default is every day. */
            days?: ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[];
            /** @description Events that match this filter are not held back. */
            unless?: {
                [key: string]: unknown;
            };
        };
        Recipient: {
            address: string;
            /**
             * @description `asked`: gets no mail until it confirms; `confirmed`; `vouched`: the platform vouches for it; `unsubscribed`.
             * @enum {string}
             */
            status: "asked" | "confirmed" | "vouched" | "unsubscribed";
            statusAt: string;
            /** @description When the latest confirmation request was handed to delivery; absent before the first one. */
            askedAt?: string;
        };
        Recipients: {
            recipients: components["schemas"]["Recipient"][];
        };
        RegisteredEventTypes: {
            registered: string[];
            existing: string[];
        };
        Replay: {
            id: string;
            /** @enum {string} */
            status: "running" | "paused" | "cancelled" | "completed" | "failed";
            createdAt: string;
            endedAt?: string;
            filter: components["schemas"]["ReplayFilter"];
            ratePerSecond: number;
            /** @description The number of matching events; an estimate at first, exact at the end. */
            found: number;
            started: number;
            /** @description The number of matching events that were not started. */
            skipped: number;
            skippedReasons: {
                [key: string]: number;
            };
            /** @description When the last event is expected to start. */
            estimatedEndAt?: string;
            delivered: number;
            /** @description The number of events that failed for at least one destination. */
            failed: number;
            /** @description The number of events added to a digest; the digest’s own event has the outcome. */
            digested: number;
            /** @description The number of events not sent because their destinations were inactive or deleted. */
            unrouted: number;
            pending: number;
        };
        ReplayFilter: {
            from: string;
            to: string;
            destination?: string;
            /** @enum {string} */
            status: "failed" | "missed" | "undelivered" | "all";
            type?: string;
            /** @enum {string} */
            source: "log" | "archive";
            /** @enum {string} */
            rules?: "today";
        };
        ReplayPage: {
            data: components["schemas"]["ReplaySummary"][];
            nextCursor: string | null;
        };
        ReplayReference: {
            id: string;
        };
        ReplayResumption: {
            /** @description Events started per second. */
            ratePerSecond?: number;
        };
        ReplaySummary: {
            id: string;
            /** @enum {string} */
            status: "running" | "paused" | "cancelled" | "completed" | "failed";
            createdAt: string;
            endedAt?: string;
            filter: components["schemas"]["ReplayFilter"];
            ratePerSecond: number;
            /** @description The number of matching events; an estimate at first, exact at the end. */
            found: number;
            started: number;
            /** @description The number of matching events that were not started. */
            skipped: number;
            skippedReasons: {
                [key: string]: number;
            };
            /** @description When the last event is expected to start. */
            estimatedEndAt?: string;
        };
        RevealedWebhookSecret: {
            webhook_secret: string;
        };
        RevokedSecrets: {
            /** @description The number of previous secrets that were still signing. */
            revoked: number;
        };
        RotatedApiSecret: {
            apiSecret: string;
            previousEndsAt: string;
        };
        RotatedKey: {
            id: string;
            name?: string;
            lastFour: string;
            createdAt: string;
            expiresAt?: string;
            revokedAt?: string;
            /** @description Accurate to the minute. */
            lastUsedAt?: string;
            /** @description The id of the key that replaced this one. */
            replacedBy?: string;
            /** @enum {string} */
            environment: "sandbox" | "production";
            scopes: string[];
            /** @description Returned only in this response. */
            key: string;
            /** @description The id of the previous key. */
            replaces: string;
            previousEndsAt: string;
        };
        RotatedPlatformKey: {
            id: string;
            name?: string;
            lastFour: string;
            createdAt: string;
            expiresAt?: string;
            revokedAt?: string;
            /** @description Accurate to the minute. */
            lastUsedAt?: string;
            /** @description The id of the key that replaced this one. */
            replacedBy?: string;
            /** @description Returned only in this response. */
            key: string;
            /** @description The id of the previous key. */
            replaces: string;
            previousEndsAt: string;
        };
        RotatedSecret: {
            /** @description The generated signing secret, returned only in this response. */
            secret?: string;
            /** @description Verifies v1a signatures made with the new key. */
            publicKey?: string;
            previousEndsAt: string;
        };
        RoutingDecision: components["schemas"]["DestinationDecision"] | components["schemas"]["RuleDecision"];
        RoutingPreview: {
            plan: components["schemas"]["Forecast"];
        };
        RoutingPreviewRequest: {
            type: string;
            data: {
                [key: string]: unknown;
            };
            /** @default evt_preview */
            id?: string;
            /**
             * Format: date-time
             * @description When the event would be routed; the default is now.
             */
            at?: string;
            /** @description Draft rules to use instead of the stored ones, in this order; they are named `draft_1` and so on. */
            rules?: components["schemas"]["NewRule"][];
        };
        Rule: {
            id: string;
            /** @description The version of the definition; moving, enabling or disabling a rule does not change it. */
            version: number;
            position: number;
            enabled: boolean;
            name: string;
            when: components["schemas"]["RuleCondition"];
            steps: components["schemas"]["RuleStep"][];
            quietHours?: components["schemas"]["QuietWindow"][];
            digest?: components["schemas"]["DigestSettings"];
            throttle?: components["schemas"]["Throttle"];
            dedupe?: components["schemas"]["Dedupe"];
            /** @description If the rule matches, later rules are not evaluated. */
            exclusive?: boolean;
            createdAt: string;
            updatedAt: string;
        };
        RuleCondition: {
            events: string[];
            filter?: {
                [key: string]: unknown;
            };
        };
        RuleDecision: {
            matched: boolean;
            reason: string;
            ruleId: string;
            version: number;
            name: string;
            /**
             * @description Why the rule matched but does not act on this event. With `over-budget` its filters were not evaluated, and its deliveries are logged as failed.
             * @enum {string}
             */
            heldBack?: "throttled" | "deduplicated" | "over-budget";
        };
        RuleEntry: {
            name: string;
            when: components["schemas"]["RuleCondition"];
            steps: components["schemas"]["RuleStepInput"][];
            /** @description Deliveries wait until the windows are over. A single window needs no array. */
            quietHours?: components["schemas"]["QuietWindow"][];
            digest?: components["schemas"]["DigestSettingsInput"];
            throttle?: components["schemas"]["Throttle"];
            dedupe?: components["schemas"]["Dedupe"];
            /** @description If the rule matches, later rules are not evaluated. */
            exclusive?: boolean;
            /** @default true */
            enabled?: boolean;
            id?: string;
        };
        RulePage: {
            data: components["schemas"]["Rule"][];
            nextCursor: string | null;
        };
        RulePatch: {
            name?: string;
            when?: components["schemas"]["RuleCondition"];
            steps?: components["schemas"]["RuleStepInput"][];
            quietHours?: components["schemas"]["QuietWindow"][] | null;
            digest?: components["schemas"]["DigestSettingsInput"] | null;
            throttle?: components["schemas"]["Throttle"] | null;
            dedupe?: components["schemas"]["Dedupe"] | null;
            exclusive?: boolean | null;
            enabled?: boolean;
            /** @description The position in the evaluation order, starting at 1; values past the end mean last. */
            position?: number;
        };
        RuleStep: {
            deliver?: components["schemas"]["DeliverStep"];
            delay?: components["schemas"]["Delay"];
            awaitAck?: components["schemas"]["AwaitAckStep"];
            branch?: components["schemas"]["BranchStep"];
            digest?: components["schemas"]["DigestSettings"];
            stop?: components["schemas"]["Stop"];
        };
        RuleStepInput: {
            deliver?: components["schemas"]["DeliverStepInput"];
            delay?: components["schemas"]["Delay"];
            awaitAck?: components["schemas"]["AwaitAckStepInput"];
            branch?: components["schemas"]["BranchStepInput"];
            digest?: components["schemas"]["DigestSettingsInput"];
            stop?: components["schemas"]["Stop"];
        };
        RuleVersion: {
            version: number;
            name: string;
            when: components["schemas"]["RuleCondition"];
            steps: components["schemas"]["RuleStep"][];
            quietHours?: components["schemas"]["QuietWindow"][];
            digest?: components["schemas"]["DigestSettings"];
            throttle?: components["schemas"]["Throttle"];
            dedupe?: components["schemas"]["Dedupe"];
            /** @description If the rule matches, later rules are not evaluated. */
            exclusive?: boolean;
            /** @description The id of the key that made the change. */
            keyId: string;
            createdAt: string;
        };
        RuleVersionPage: {
            data: components["schemas"]["RuleVersion"][];
            nextCursor: string | null;
        };
        SampleEvent: {
            type: string;
            data: {
                [key: string]: unknown;
            };
        };
        SecretRotation: {
            /**
             * @description How long the previous secrets keep signing, at most 7d; 0s ends them immediately.
             * @default 24h
             */
            overlap?: string;
            /** @description Your own signing secret; generated if omitted. */
            secret?: string;
        };
        SlackConfig: {
            webhookUrl: string;
        };
        SlackDestinationEntry: {
            name: string;
            /** @enum {string} */
            channel: "slack";
            config: components["schemas"]["SlackConfig"];
            subscription: components["schemas"]["Subscription"];
            /** @default {} */
            delivery?: components["schemas"]["DeliveryPolicyInput"];
            /** @enum {string} */
            status?: "active" | "paused";
            id?: string;
        };
        SlackTemplateParts: {
            /** @description mrkdwn: the message, or its notification text if there are blocks. */
            text?: string;
            /** @description A JSON array of at most 50 Block Kit blocks. */
            blocks?: string;
        };
        StartedErasure: {
            erasureId: string;
            /** @enum {string} */
            status: "running" | "completed";
        };
        StartedEventReplay: {
            replayId: string;
            /** @enum {boolean} */
            duplicate?: true;
        };
        StartedReplay: {
            id: string;
            /**
             * @description Set if an identical request started the replay within the last minute or with the same Idempotency-Key.
             * @enum {boolean}
             */
            duplicate?: true;
        };
        StartedTenantDeletion: {
            deletionId: string;
        };
        Stop: true | string;
        /** @description The acknowledgement is stored, but no worker has yet determined whether it is the first. */
        StoredAcknowledgement: {
            id: string;
            acknowledgement: components["schemas"]["Acknowledgement"];
        };
        Subscription: {
            eventTypes: string[];
            filter?: {
                [key: string]: unknown;
            };
        };
        TeamsConfig: {
            webhookUrl: string;
        };
        TeamsDestinationEntry: {
            name: string;
            /** @enum {string} */
            channel: "teams";
            config: components["schemas"]["TeamsConfig"];
            subscription: components["schemas"]["Subscription"];
            /** @default {} */
            delivery?: components["schemas"]["DeliveryPolicyInput"];
            /** @enum {string} */
            status?: "active" | "paused";
            id?: string;
        };
        TeamsTemplateParts: {
            /** @description Markdown: the whole message, or the fallback text for clients that cannot show the card. */
            text?: string;
            /** @description An Adaptive Card as JSON. */
            card?: string;
        };
        Template: {
            id: string;
            /** @description Incremented whenever the parts change. */
            version: number;
            name: string;
            /** @enum {string} */
            environment: "sandbox" | "production";
            eventTypes: string[];
            parts: components["schemas"]["TemplateParts"];
            createdAt: string;
            updatedAt: string;
        };
        TemplateEntry: {
            name: string;
            /**
             * @description Event types or patterns for which this template is the default.
             * @default []
             */
            eventTypes?: string[];
            parts: components["schemas"]["TemplatePartsInput"];
            id?: string;
        };
        TemplatePage: {
            data: components["schemas"]["TemplateSummary"][];
            nextCursor: string | null;
        };
        /** @description Liquid templates by channel and field. */
        TemplateParts: {
            [key: string]: {
                [key: string]: string;
            };
        };
        TemplatePartsInput: {
            webhook?: components["schemas"]["WebhookTemplateParts"];
            email?: components["schemas"]["EmailTemplateParts"];
            slack?: components["schemas"]["SlackTemplateParts"];
            teams?: components["schemas"]["TeamsTemplateParts"];
        };
        TemplatePartsPreviewRequest: {
            /** @description The default is the sample of the first event type that the template lists. */
            event?: components["schemas"]["SampleEvent"];
            /**
             * @description Only this channel; the default is all channels.
             * @enum {string}
             */
            channel?: "webhook" | "email" | "slack" | "teams";
            parts: components["schemas"]["TemplatePartsInput"];
            /**
             * @description Event types or patterns for which this template is the default.
             * @default []
             */
            eventTypes?: string[];
        };
        TemplatePatch: {
            name?: string;
            /** @description Event types or patterns for which this template is the default. */
            eventTypes?: string[];
            /** @description Replaces all existing parts. */
            parts?: components["schemas"]["TemplatePartsInput"];
        };
        TemplatePreview: {
            event: {
                type: string;
                data: {
                    [key: string]: unknown;
                };
            };
            /** @description The message by channel and field: from the template, or the default where the template has no part. */
            channels: {
                [key: string]: {
                    [key: string]: unknown;
                };
            };
            /** @description Why a channel uses the default although the template has a part for it. */
            problems: components["schemas"]["FieldProblem"][];
            /** @description Variables that the template uses but this event does not have. */
            absent: string[];
        };
        TemplatePreviewRequest: {
            /** @description The default is the sample of the first event type that the template lists. */
            event?: components["schemas"]["SampleEvent"];
            /**
             * @description Only this channel; the default is all channels.
             * @enum {string}
             */
            channel?: "webhook" | "email" | "slack" | "teams";
        };
        TemplateSummary: {
            id: string;
            /** @description Incremented whenever the parts change. */
            version: number;
            name: string;
            /** @enum {string} */
            environment: "sandbox" | "production";
            eventTypes: string[];
            createdAt: string;
            updatedAt: string;
            /** @description The channels for which the template has parts. */
            channels: string[];
        };
        TemplateVersion: {
            version: number;
            name: string;
            parts: components["schemas"]["TemplateParts"];
            /** @description The id of the key that made the change. */
            keyId: string;
            createdAt: string;
        };
        TemplateVersions: {
            data: components["schemas"]["TemplateVersion"][];
        };
        Tenant: {
            id: string;
            name: string;
            limits: components["schemas"]["TenantLimits"];
            redact: string[];
            /** @enum {string} */
            emailConsent: "confirm" | "vouched";
            createdAt: string;
        };
        TenantDeletion: {
            id: string;
            tenantId: string;
            /** @enum {string} */
            status: "running" | "completed";
            createdAt: string;
            completedAt?: string;
            /** @description The number of deleted workflow executions. */
            executions: number;
            /** @description The number of workflow executions that Temporal still lists. */
            left: number;
            archivedFiles: number;
            /** @description The number of deleted database rows. */
            rows: number;
        };
        TenantDeletionRequest: {
            /** @description The tenant’s name. */
            confirm: string;
        };
        TenantLimits: {
            /** @default 100 */
            apiPerMinute: number;
            /** @default 200 */
            apiBurst: number;
            /** @default 100 */
            ingestPerSecond: number;
            /** @default 1000 */
            emailsPerHour: number;
        };
        TenantLimitsInput: {
            /** @default 100 */
            apiPerMinute?: number;
            /** @default 200 */
            apiBurst?: number;
            /** @default 100 */
            ingestPerSecond?: number;
            /** @default 1000 */
            emailsPerHour?: number;
        };
        TenantPage: {
            data: components["schemas"]["Tenant"][];
            nextCursor: string | null;
        };
        TenantPatch: {
            name?: string;
            limits?: {
                apiPerMinute?: number;
                apiBurst?: number;
                ingestPerSecond?: number;
                emailsPerHour?: number;
            };
            /** @description Paths of event fields whose values are not shown, such as data.document.number. */
            redact?: string[];
            /**
             * @description `confirm`: each email recipient must confirm by link before it receives mail. `vouched`: the platform vouches for the tenant’s recipients.
             * @enum {string}
             */
            emailConsent?: "confirm" | "vouched";
        };
        TenantSettings: {
            webhook_url: string | null;
            /** @description Masked except for the last four characters. */
            webhook_secret: string | null;
            notification_emails: string[];
            /** @description Masked except for the last four characters. */
            slack_webhook_url: string | null;
            event_categories: ("session" | "watchlist")[] | null;
        };
        TenantSettingsPatch: {
            webhook_url?: string | null;
            webhook_secret?: string | null;
            notification_emails?: string[] | null;
            slack_webhook_url?: string | null;
            /** @description The categories to notify about; null means all. */
            event_categories?: ("session" | "watchlist")[] | null;
        };
        /** @description Act on at most `limit` events in any period of length `per`, counted per value of `by` if given. */
        Throttle: {
            limit: number;
            per: string;
            by?: string;
        };
        UnmanagedResource: {
            /** @enum {string} */
            kind: "destination" | "template" | "rule";
            name: string;
            id: string;
        };
        UntilTime: {
            until: string;
            timezone: string;
        };
        UpdatedWebhook: {
            message: string;
            /** Format: uuid */
            id: string;
        };
        Vouching: {
            /** @description The default is all recipients who have not confirmed. Recipients who unsubscribed must be listed explicitly. */
            addresses?: string[];
        };
        Webhook: {
            /** Format: uuid */
            id: string;
            event_type: string;
            webhook_url: string;
            is_active: boolean;
            description: string;
            filters: {
                [key: string]: unknown;
            };
            created_at: string;
            stats: components["schemas"]["WebhookStats"];
            last_triggered_at: string | null;
            updated_at: string;
        };
        WebhookConfig: {
            url: string;
            /**
             * @default standard-webhooks
             * @enum {string}
             */
            wireFormat?: "standard-webhooks" | "cloudevents" | "dataspike" | "kyc-webhooks" | "smart-kyc";
            /** @description For Standard Webhooks: v1 (HMAC-SHA256, the default), v1a (ed25519) or both. */
            signatures?: ("v1" | "v1a")[];
            /**
             * @description For kyc-webhooks: the content that is signed; the default is timestamp.body.
             * @enum {string}
             */
            signedContent?: "timestamp.body" | "body";
            headers?: {
                [key: string]: string;
            };
            /**
             * @description The status codes that count as delivered: 2xx for all of those, or single codes.
             * @default [
             *       "2xx"
             *     ]
             */
            successCodes?: string[];
        };
        WebhookDestinationEntry: {
            name: string;
            /** @enum {string} */
            channel: "webhook";
            config: components["schemas"]["WebhookConfig"];
            subscription: components["schemas"]["Subscription"];
            /** @default {} */
            delivery?: components["schemas"]["DeliveryPolicyInput"];
            /** @enum {string} */
            status?: "active" | "paused";
            id?: string;
        };
        WebhookHistory: {
            data: components["schemas"]["WebhookInvocation"][];
            has_next: boolean;
        };
        WebhookInvocation: {
            id: string;
            webhook_id: string;
            event_type: string;
            payload: {
                [key: string]: unknown;
            };
            timestamp: string;
            is_sandbox: boolean;
            attempts: number;
            /** @description The status code of the last attempt; null while pending, 0 if it ended without a response. */
            response_code: number | null;
            last_attempt_at: string | null;
        };
        WebhookLog: {
            /** @enum {string} */
            status: "Success" | "Error" | "Pending";
            /** @description The event’s type. */
            event: string;
            response_code: number | null;
            /** @description When it was last sent. */
            timestamp: string | null;
            /** @description The server’s response, or the reason why there is none. */
            response: string | null;
            attempts: number;
            event_id: string;
            webhook_id: string | null;
            test: boolean;
            log_id: number;
        };
        WebhookLogRow: {
            /** @enum {string} */
            status: "Success" | "Error" | "Pending";
            /** @description The event’s type. */
            event: string;
            response_code: number | null;
            /** @description When it was last sent. */
            timestamp: string | null;
            /** @description The server’s response, or the reason why there is none. */
            response: string | null;
            attempts: number;
            event_id: string;
            webhook_id: string | null;
            test: boolean;
        };
        WebhookLogs: {
            logs: components["schemas"]["WebhookLogRow"][];
            next_cursor: string | null;
        };
        WebhookPatch: {
            webhook_url?: string;
            is_active?: boolean;
            description?: string;
            filters?: {
                [key: string]: unknown;
            };
        };
        Webhooks: {
            webhooks: components["schemas"]["WebhookSummary"][];
        };
        WebhookStats: {
            total_deliveries: number;
            successful_deliveries: number;
            failed_deliveries: number;
        };
        WebhookSummary: {
            /** Format: uuid */
            id: string;
            event_type: string;
            webhook_url: string;
            is_active: boolean;
            description: string;
            filters: {
                [key: string]: unknown;
            };
            created_at: string;
            stats: components["schemas"]["WebhookStats"];
            last_triggered_at: string | null;
        };
        WebhookTemplateParts: {
            /** @description JSON that replaces the wire format’s body and is signed. */
            body?: string;
        };
        WebhookTest: {
            webhook_url: string;
        };
        WebhookTestResult: {
            success: boolean;
            message: string;
            log_id: number;
            http_status_code: number | null;
        };
        WrittenDestination: {
            id: string;
            name: string;
            channel: string;
            /** @enum {string} */
            environment: "sandbox" | "production";
            /** @enum {string} */
            status: "active" | "paused" | "disabled";
            statusReason?: string;
            /** @description When the status last changed. */
            statusAt: string;
            /** @description The first failed attempt since the last successful one; the destination is disabled after 5 days of failures. */
            failingSince?: string;
            /** @description Secrets are masked. */
            config: {
                [key: string]: unknown;
            };
            subscription: components["schemas"]["Subscription"];
            delivery: components["schemas"]["DeliveryPolicy"];
            /** @description Verifies v1a signatures (ed25519). */
            publicKey?: string;
            /** @description During a rotation’s overlap: when the last of the previous secrets stops signing. */
            previousSecretsEndAt?: string;
            /** @description Email destinations only: the recipients and whether they have confirmed. */
            recipients?: components["schemas"]["Recipient"][];
            createdAt: string;
            updatedAt: string;
            /** @description The generated signing secret, returned only in this response. */
            secret?: string;
        };
    };
    responses: {
        /** @description Malformed request, or Invalid JSON */
        BadRequest: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Authentication required */
        Unauthorized: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Insufficient permissions */
        Forbidden: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Not found */
        NotFound: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Request timeout */
        RequestTimeout: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Event id conflict, or Already exists, or Event erased, or Already ended, or State conflict, or Limit reached */
        Conflict: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Payload too large */
        PayloadTooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Validation failed, or Webhook loop detected */
        ValidationFailed: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Rate limit exceeded */
        RateLimited: {
            headers: {
                /** @description The number of seconds to wait. */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Headers too large */
        HeadersTooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Internal error */
        InternalError: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Dependency unavailable, or Overloaded */
        Unavailable: {
            headers: {
                /** @description The number of seconds to wait. */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: {
        /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
        IdempotencyKey: string;
        /** @description The value of this header on the webhook that caused the request, so that webhook loops end. A value over 8 is rejected with `loop_detected`. */
        Hops: number;
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listTenants: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "ten_01jd7a9f2gfq8v4x5y6z7a8b9c",
                     *           "name": "Acme",
                     *           "limits": {
                     *             "apiPerMinute": 100,
                     *             "apiBurst": 200,
                     *             "ingestPerSecond": 100,
                     *             "emailsPerHour": 500
                     *           },
                     *           "redact": [
                     *             "data.document.number"
                     *           ],
                     *           "emailConsent": "confirm",
                     *           "createdAt": "2026-11-21T10:15:00.000Z"
                     *         }
                     *       ],
                     *       "nextCursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["TenantPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createTenant: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "Acme",
                 *       "redact": [
                 *         "data.document.number"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewTenant"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "ten_01jd7a9f2gfq8v4x5y6z7a8b9c",
                     *       "name": "Acme",
                     *       "limits": {
                     *         "apiPerMinute": 100,
                     *         "apiBurst": 200,
                     *         "ingestPerSecond": 100,
                     *         "emailsPerHour": 500
                     *       },
                     *       "redact": [
                     *         "data.document.number"
                     *       ],
                     *       "emailConsent": "confirm",
                     *       "createdAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Tenant"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example ten_01jd7a9f2gfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "ten_01jd7a9f2gfq8v4x5y6z7a8b9c",
                     *       "name": "Acme",
                     *       "limits": {
                     *         "apiPerMinute": 100,
                     *         "apiBurst": 200,
                     *         "ingestPerSecond": 100,
                     *         "emailsPerHour": 500
                     *       },
                     *       "redact": [
                     *         "data.document.number"
                     *       ],
                     *       "emailConsent": "confirm",
                     *       "createdAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Tenant"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example ten_01jd7a9f2gfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "confirm": "Acme"
                 *     }
                 */
                "application/json": components["schemas"]["TenantDeletionRequest"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "deletionId": "del_01jd7e8q1rfq8v4x5y6z7a8b9c"
                     *     }
                     */
                    "application/json": components["schemas"]["StartedTenantDeletion"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    updateTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example ten_01jd7a9f2gfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "limits": {
                 *         "ingestPerSecond": 500
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["TenantPatch"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "ten_01jd7a9f2gfq8v4x5y6z7a8b9c",
                     *       "name": "Acme",
                     *       "limits": {
                     *         "apiPerMinute": 100,
                     *         "apiBurst": 200,
                     *         "ingestPerSecond": 100,
                     *         "emailsPerHour": 500
                     *       },
                     *       "redact": [
                     *         "data.document.number"
                     *       ],
                     *       "emailConsent": "confirm",
                     *       "createdAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Tenant"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getTenantDeletion: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example del_01jd7e8q1rfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "del_01jd7e8q1rfq8v4x5y6z7a8b9c",
                     *       "tenantId": "ten_01jd7a9f2gfq8v4x5y6z7a8b9c",
                     *       "status": "completed",
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "completedAt": "2026-11-22T10:15:00.000Z",
                     *       "executions": 20417,
                     *       "left": 0,
                     *       "archivedFiles": 12,
                     *       "rows": 318
                     *     }
                     */
                    "application/json": components["schemas"]["TenantDeletion"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listTenantKeys: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                /** @example ten_01jd7a9f2gfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "key_01jd7aa1b2fq8v4x5y6z7a8b9c",
                     *           "name": "Case system",
                     *           "lastFour": "x9Qz",
                     *           "createdAt": "2026-11-21T10:15:00.000Z",
                     *           "environment": "production",
                     *           "scopes": [
                     *             "events:write",
                     *             "events:read"
                     *           ],
                     *           "lastUsedAt": "2026-11-21T10:15:00.000Z"
                     *         }
                     *       ],
                     *       "nextCursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["KeyPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createTenantKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path: {
                /** @example ten_01jd7a9f2gfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "environment": "sandbox",
                 *       "name": "Case system",
                 *       "scopes": [
                 *         "events:write",
                 *         "events:read"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewTenantKeyRequest"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "key_01jd7aa1b2fq8v4x5y6z7a8b9c",
                     *       "name": "Case system",
                     *       "lastFour": "x9Qz",
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "environment": "production",
                     *       "scopes": [
                     *         "events:write",
                     *         "events:read"
                     *       ],
                     *       "key": "sk_live_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx9Qz"
                     *     }
                     */
                    "application/json": components["schemas"]["NewTenantKey"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    revokeTenantKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example ten_01jd7a9f2gfq8v4x5y6z7a8b9c */
                id: string;
                /** @example key_01jd7aa1b2fq8v4x5y6z7a8b9c */
                keyId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; the response has no body */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    rotateTenantKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path: {
                /** @example ten_01jd7a9f2gfq8v4x5y6z7a8b9c */
                id: string;
                /** @example key_01jd7aa1b2fq8v4x5y6z7a8b9c */
                keyId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "overlap": "24h"
                 *     }
                 */
                "application/json": components["schemas"]["KeyRotation"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "key_01jd7aa1b2fq8v4x5y6z7a8b9c",
                     *       "name": "Case system",
                     *       "lastFour": "x9Qz",
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "environment": "production",
                     *       "scopes": [
                     *         "events:write",
                     *         "events:read"
                     *       ],
                     *       "key": "sk_live_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx9Qz",
                     *       "replaces": "key_01jc1aa1b2fq8v4x5y6z7a8b9c",
                     *       "previousEndsAt": "2026-11-22T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["RotatedKey"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listKeys: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "key_01jd7aa1b2fq8v4x5y6z7a8b9c",
                     *           "name": "Case system",
                     *           "lastFour": "x9Qz",
                     *           "createdAt": "2026-11-21T10:15:00.000Z",
                     *           "environment": "production",
                     *           "scopes": [
                     *             "events:write",
                     *             "events:read"
                     *           ],
                     *           "lastUsedAt": "2026-11-21T10:15:00.000Z"
                     *         }
                     *       ],
                     *       "nextCursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["KeyPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "Case system",
                 *       "scopes": [
                 *         "events:read"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewKeyRequest"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "key_01jd7aa1b2fq8v4x5y6z7a8b9c",
                     *       "name": "Case system",
                     *       "lastFour": "x9Qz",
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "environment": "production",
                     *       "scopes": [
                     *         "events:write",
                     *         "events:read"
                     *       ],
                     *       "key": "sk_live_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx9Qz"
                     *     }
                     */
                    "application/json": components["schemas"]["NewKey"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    revokeKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example key_01jd7aa1b2fq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; the response has no body */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    rotateKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path: {
                /** @example key_01jd7aa1b2fq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "overlap": "24h"
                 *     }
                 */
                "application/json": components["schemas"]["KeyRotation"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "key_01jd7aa1b2fq8v4x5y6z7a8b9c",
                     *       "name": "Case system",
                     *       "lastFour": "x9Qz",
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "environment": "production",
                     *       "scopes": [
                     *         "events:write",
                     *         "events:read"
                     *       ],
                     *       "key": "sk_live_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx9Qz",
                     *       "replaces": "key_01jc1aa1b2fq8v4x5y6z7a8b9c",
                     *       "previousEndsAt": "2026-11-22T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["RotatedKey"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listPlatformKeys: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "key_01jd7aa1b2fq8v4x5y6z7a8b9c",
                     *           "name": "Case system",
                     *           "lastFour": "x9Qz",
                     *           "createdAt": "2026-11-21T10:15:00.000Z",
                     *           "lastUsedAt": "2026-11-21T10:15:00.000Z"
                     *         }
                     *       ],
                     *       "nextCursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["PlatformKeyPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createPlatformKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "name": "Back office"
                 *     }
                 */
                "application/json": components["schemas"]["NewPlatformKeyRequest"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "key_01jd7aa1b2fq8v4x5y6z7a8b9c",
                     *       "name": "Case system",
                     *       "lastFour": "x9Qz",
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "key": "sk_platform_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx9Qz"
                     *     }
                     */
                    "application/json": components["schemas"]["NewPlatformKey"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    revokePlatformKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example key_01jd7aa1b2fq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; the response has no body */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    rotatePlatformKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path: {
                /** @example key_01jd7aa1b2fq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "overlap": "24h"
                 *     }
                 */
                "application/json": components["schemas"]["KeyRotation"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "key_01jd7aa1b2fq8v4x5y6z7a8b9c",
                     *       "name": "Case system",
                     *       "lastFour": "x9Qz",
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "key": "sk_platform_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx9Qz",
                     *       "replaces": "key_01jc1aa1b2fq8v4x5y6z7a8b9c",
                     *       "previousEndsAt": "2026-11-22T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["RotatedPlatformKey"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listDestinations: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *           "name": "Case system",
                     *           "channel": "webhook",
                     *           "environment": "production",
                     *           "status": "active",
                     *           "statusAt": "2026-11-21T10:15:00.000Z",
                     *           "config": {
                     *             "url": "https://example.com/hooks/switchyard",
                     *             "wireFormat": "standard-webhooks",
                     *             "successCodes": [
                     *               "2xx"
                     *             ]
                     *           },
                     *           "subscription": {
                     *             "eventTypes": [
                     *               "aml.*"
                     *             ]
                     *           },
                     *           "delivery": {
                     *             "schedule": [
                     *               "0s",
                     *               "5s",
                     *               "5m",
                     *               "30m",
                     *               "2h"
                     *             ],
                     *             "timeoutMs": 10000
                     *           },
                     *           "createdAt": "2026-11-21T10:15:00.000Z",
                     *           "updatedAt": "2026-11-21T10:15:00.000Z"
                     *         }
                     *       ],
                     *       "nextCursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["DestinationPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createDestination: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "Case system",
                 *       "channel": "webhook",
                 *       "config": {
                 *         "url": "https://example.com/hooks/switchyard"
                 *       },
                 *       "subscription": {
                 *         "eventTypes": [
                 *           "aml.*"
                 *         ]
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["NewDestination"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *       "name": "Case system",
                     *       "channel": "webhook",
                     *       "environment": "production",
                     *       "status": "active",
                     *       "statusAt": "2026-11-21T10:15:00.000Z",
                     *       "config": {
                     *         "url": "https://example.com/hooks/switchyard",
                     *         "wireFormat": "standard-webhooks",
                     *         "successCodes": [
                     *           "2xx"
                     *         ]
                     *       },
                     *       "subscription": {
                     *         "eventTypes": [
                     *           "aml.*"
                     *         ]
                     *       },
                     *       "delivery": {
                     *         "schedule": [
                     *           "0s",
                     *           "5s",
                     *           "5m",
                     *           "30m",
                     *           "2h"
                     *         ],
                     *         "timeoutMs": 10000
                     *       },
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z",
                     *       "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
                     *     }
                     */
                    "application/json": components["schemas"]["WrittenDestination"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example dst_01jd7b2m3nfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *       "name": "Case system",
                     *       "channel": "webhook",
                     *       "environment": "production",
                     *       "status": "active",
                     *       "statusAt": "2026-11-21T10:15:00.000Z",
                     *       "config": {
                     *         "url": "https://example.com/hooks/switchyard",
                     *         "wireFormat": "standard-webhooks",
                     *         "successCodes": [
                     *           "2xx"
                     *         ]
                     *       },
                     *       "subscription": {
                     *         "eventTypes": [
                     *           "aml.*"
                     *         ]
                     *       },
                     *       "delivery": {
                     *         "schedule": [
                     *           "0s",
                     *           "5s",
                     *           "5m",
                     *           "30m",
                     *           "2h"
                     *         ],
                     *         "timeoutMs": 10000
                     *       },
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Destination"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example dst_01jd7b2m3nfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; the response has no body */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    updateDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example dst_01jd7b2m3nfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "name": "Case system (EU)",
                 *       "delivery": {
                 *         "maxPerSecond": 20
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["DestinationPatch"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *       "name": "Case system",
                     *       "channel": "webhook",
                     *       "environment": "production",
                     *       "status": "active",
                     *       "statusAt": "2026-11-21T10:15:00.000Z",
                     *       "config": {
                     *         "url": "https://example.com/hooks/switchyard",
                     *         "wireFormat": "standard-webhooks",
                     *         "successCodes": [
                     *           "2xx"
                     *         ]
                     *       },
                     *       "subscription": {
                     *         "eventTypes": [
                     *           "aml.*"
                     *         ]
                     *       },
                     *       "delivery": {
                     *         "schedule": [
                     *           "0s",
                     *           "5s",
                     *           "5m",
                     *           "30m",
                     *           "2h"
                     *         ],
                     *         "timeoutMs": 10000
                     *       },
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z",
                     *       "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
                     *     }
                     */
                    "application/json": components["schemas"]["WrittenDestination"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    pauseDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example dst_01jd7b2m3nfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *       "name": "Case system",
                     *       "channel": "webhook",
                     *       "environment": "production",
                     *       "status": "active",
                     *       "statusAt": "2026-11-21T10:15:00.000Z",
                     *       "config": {
                     *         "url": "https://example.com/hooks/switchyard",
                     *         "wireFormat": "standard-webhooks",
                     *         "successCodes": [
                     *           "2xx"
                     *         ]
                     *       },
                     *       "subscription": {
                     *         "eventTypes": [
                     *           "aml.*"
                     *         ]
                     *       },
                     *       "delivery": {
                     *         "schedule": [
                     *           "0s",
                     *           "5s",
                     *           "5m",
                     *           "30m",
                     *           "2h"
                     *         ],
                     *         "timeoutMs": 10000
                     *       },
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Destination"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    resumeDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example dst_01jd7b2m3nfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *       "name": "Case system",
                     *       "channel": "webhook",
                     *       "environment": "production",
                     *       "status": "active",
                     *       "statusAt": "2026-11-21T10:15:00.000Z",
                     *       "config": {
                     *         "url": "https://example.com/hooks/switchyard",
                     *         "wireFormat": "standard-webhooks",
                     *         "successCodes": [
                     *           "2xx"
                     *         ]
                     *       },
                     *       "subscription": {
                     *         "eventTypes": [
                     *           "aml.*"
                     *         ]
                     *       },
                     *       "delivery": {
                     *         "schedule": [
                     *           "0s",
                     *           "5s",
                     *           "5m",
                     *           "30m",
                     *           "2h"
                     *         ],
                     *         "timeoutMs": 10000
                     *       },
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Destination"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    testDestination: {
        parameters: {
            query?: never;
            header?: {
                /** @description The value of this header on the webhook that caused the request, so that webhook loops end. A value over 8 is rejected with `loop_detected`. */
                "Switchyard-Hops"?: components["parameters"]["Hops"];
            };
            path: {
                /** @example dst_01jd7b2m3nfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "eventType": "aml.match.found"
                 *     }
                 */
                "application/json": components["schemas"]["DestinationTest"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "eventId": "evt_test_12",
                     *       "logId": 12,
                     *       "type": "aml.match.found",
                     *       "delivery": {
                     *         "destinationId": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *         "channel": "webhook",
                     *         "status": "delivered",
                     *         "attempts": [
                     *           {
                     *             "number": 1,
                     *             "at": "2026-11-21T10:15:00.412Z",
                     *             "outcome": "delivered",
                     *             "responseCode": 204,
                     *             "durationMs": 87,
                     *             "requestHeaders": {
                     *               "webhook-id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                     *               "webhook-timestamp": "1795256100"
                     *             }
                     *           }
                     *         ]
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["DestinationTestResult"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getDestinationStats: {
        parameters: {
            query?: {
                days?: number;
            };
            header?: never;
            path: {
                /** @example dst_01jd7b2m3nfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "total": 1042,
                     *       "succeeded": 1037,
                     *       "failed": 4,
                     *       "pending": 1,
                     *       "lastAttemptAt": "2026-11-21T10:15:00.000Z",
                     *       "days": [
                     *         {
                     *           "day": "2026-11-21",
                     *           "total": 42,
                     *           "succeeded": 41,
                     *           "failed": 1
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["DestinationStats"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    rotateDestinationSecret: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path: {
                /** @example dst_01jd7b2m3nfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "overlap": "24h"
                 *     }
                 */
                "application/json": components["schemas"]["SecretRotation"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                     *       "previousEndsAt": "2026-11-22T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["RotatedSecret"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    revokePreviousSecrets: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example dst_01jd7b2m3nfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "revoked": 1
                     *     }
                     */
                    "application/json": components["schemas"]["RevokedSecrets"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    requestConfirmations: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example dst_01jd7b2m3nfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "addresses": [
                 *         "oncall@example.com"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["ConfirmationRequest"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "recipients": [
                     *         {
                     *           "address": "oncall@example.com",
                     *           "status": "confirmed",
                     *           "statusAt": "2026-11-21T10:15:00.000Z",
                     *           "askedAt": "2026-11-21T10:15:00.000Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Recipients"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    vouchForRecipients: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example ten_01jd7a9f2gfq8v4x5y6z7a8b9c */
                id: string;
                /** @example dst_01jd7b2m3nfq8v4x5y6z7a8b9c */
                destinationId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "addresses": [
                 *         "oncall@example.com"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["Vouching"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "recipients": [
                     *         {
                     *           "address": "oncall@example.com",
                     *           "status": "confirmed",
                     *           "statusAt": "2026-11-21T10:15:00.000Z",
                     *           "askedAt": "2026-11-21T10:15:00.000Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Recipients"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listEvents: {
        parameters: {
            query?: {
                type?: string;
                destination?: string;
                from?: string;
                to?: string;
                limit?: number;
                cursor?: string;
                status?: "pending" | "delivered" | "partial" | "failed" | "digested" | "unrouted";
                failing?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                     *           "type": "aml.match.found",
                     *           "createdAt": "2026-11-21T10:15:00.000Z",
                     *           "status": "delivered",
                     *           "deliveries": [
                     *             {
                     *               "destinationId": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *               "channel": "webhook",
                     *               "status": "delivered",
                     *               "attempts": 1,
                     *               "responseCode": 204,
                     *               "lastAttemptAt": "2026-11-21T10:15:00.412Z"
                     *             }
                     *           ]
                     *         }
                     *       ],
                     *       "nextCursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["EventPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    sendEvent: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
                /** @description The value of this header on the webhook that caused the request, so that webhook loops end. A value over 8 is rejected with `loop_detected`. */
                "Switchyard-Hops"?: components["parameters"]["Hops"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "type": "aml.match.found",
                 *       "data": {
                 *         "customerId": "cus_7421",
                 *         "name": "Jane Roe",
                 *         "list": "OFAC SDN",
                 *         "score": 0.93
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["NewEvent"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                     *       "type": "aml.match.found",
                     *       "status": "accepted",
                     *       "createdAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["AcceptedEvent"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                     *       "type": "aml.match.found",
                     *       "status": "accepted",
                     *       "createdAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["AcceptedEvent"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    sendEvents: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
                /** @description The value of this header on the webhook that caused the request, so that webhook loops end. A value over 8 is rejected with `loop_detected`. */
                "Switchyard-Hops"?: components["parameters"]["Hops"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "events": [
                 *         {
                 *           "type": "aml.match.found",
                 *           "data": {
                 *             "customerId": "cus_7421",
                 *             "name": "Jane Roe",
                 *             "list": "OFAC SDN",
                 *             "score": 0.93
                 *           }
                 *         },
                 *         {
                 *           "type": "kyc.session.completed",
                 *           "data": {
                 *             "sessionId": "ses_9913",
                 *             "result": "approved"
                 *           }
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewEvents"];
            };
        };
        responses: {
            /** @description The result of each item */
            207: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "results": [
                     *         {
                     *           "status": 202,
                     *           "id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v"
                     *         },
                     *         {
                     *           "status": 422,
                     *           "error": {
                     *             "type": "urn:switchyard:error:invalid_request",
                     *             "title": "Validation failed",
                     *             "status": 422,
                     *             "code": "invalid_request",
                     *             "detail": "type is required",
                     *             "errors": [
                     *               {
                     *                 "path": "events.1.type",
                     *                 "message": "is required"
                     *               }
                     *             ]
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["BatchResults"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getEvent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                     *       "type": "aml.match.found",
                     *       "environment": "production",
                     *       "status": "delivered",
                     *       "data": {
                     *         "customerId": "cus_7421",
                     *         "name": "Jane Roe",
                     *         "list": "OFAC SDN",
                     *         "score": 0.93
                     *       },
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "deliveries": [
                     *         {
                     *           "destinationId": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *           "channel": "webhook",
                     *           "status": "delivered",
                     *           "attempts": [
                     *             {
                     *               "number": 1,
                     *               "at": "2026-11-21T10:15:00.412Z",
                     *               "outcome": "delivered",
                     *               "responseCode": 204,
                     *               "durationMs": 87,
                     *               "requestHeaders": {
                     *                 "webhook-id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                     *                 "webhook-timestamp": "1795256100"
                     *               }
                     *             }
                     *           ]
                     *         }
                     *       ],
                     *       "routing": [
                     *         {
                     *           "destinationId": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *           "matched": true,
                     *           "reason": "subscribed to aml.*"
                     *         },
                     *         {
                     *           "ruleId": "rul_01jd7c0v5wfq8v4x5y6z7a8b9c",
                     *           "version": 3,
                     *           "name": "Escalate matches",
                     *           "matched": false,
                     *           "reason": "the filter does not match"
                     *         }
                     *       ],
                     *       "replays": []
                     *     }
                     */
                    "application/json": components["schemas"]["Event"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    replayEvent: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
                /** @description The value of this header on the webhook that caused the request, so that webhook loops end. A value over 8 is rejected with `loop_detected`. */
                "Switchyard-Hops"?: components["parameters"]["Hops"];
            };
            path: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "destinations": [
                 *         "dst_01jd7b2m3nfq8v4x5y6z7a8b9c"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["EventReplayRequest"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "replayId": "rpl_5d1c1f7a100a8d3b1e6f0c4b579f0e2c5d1c1f7a"
                     *     }
                     */
                    "application/json": components["schemas"]["StartedEventReplay"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    retryEvent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "destination": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c"
                 *     }
                 */
                "application/json": components["schemas"]["EventRetryRequest"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                     *       "retrying": [
                     *         "dst_01jd7b2m3nfq8v4x5y6z7a8b9c"
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["EventRetry"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    acknowledgeEvent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "by": "Ada Lovelace",
                 *       "note": "False positive"
                 *     }
                 */
                "application/json": components["schemas"]["NewAcknowledgement"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                     *       "acknowledgement": {
                     *         "at": "2026-11-21T10:15:00.412Z",
                     *         "by": "Ada Lovelace",
                     *         "via": "api",
                     *         "note": "False positive",
                     *         "keyId": "key_01jd7aa1b2fq8v4x5y6z7a8b9c"
                     *       },
                     *       "first": true
                     *     }
                     */
                    "application/json": components["schemas"]["AcknowledgedEvent"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                     *       "acknowledgement": {
                     *         "at": "2026-11-21T10:15:00.412Z",
                     *         "by": "Ada Lovelace",
                     *         "via": "api",
                     *         "note": "False positive",
                     *         "keyId": "key_01jd7aa1b2fq8v4x5y6z7a8b9c"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["StoredAcknowledgement"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    cancelEvent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v"
                     *     }
                     */
                    "application/json": components["schemas"]["EventReference"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    eraseEvent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "reason": "Request 2026-114 under Article 17 GDPR"
                 *     }
                 */
                "application/json": components["schemas"]["ErasureRequest"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "erasureId": "era_01jd7e4n6pfq8v4x5y6z7a8b9c",
                     *       "status": "running"
                     *     }
                     */
                    "application/json": components["schemas"]["StartedErasure"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getErasure: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example era_01jd7e4n6pfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "era_01jd7e4n6pfq8v4x5y6z7a8b9c",
                     *       "eventId": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                     *       "status": "completed",
                     *       "reason": "Request 2026-114 under Article 17 GDPR",
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "completedAt": "2026-11-21T10:15:00.412Z",
                     *       "runs": 1,
                     *       "digests": 0,
                     *       "archivedLines": 0
                     *     }
                     */
                    "application/json": components["schemas"]["Erasure"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listDeliveries: {
        parameters: {
            query?: {
                type?: string;
                destination?: string;
                from?: string;
                to?: string;
                limit?: number;
                cursor?: string;
                status?: "pending" | "delivered" | "failed" | "skipped" | "held";
                event?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "eventId": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                     *           "type": "aml.match.found",
                     *           "createdAt": "2026-11-21T10:15:00.000Z",
                     *           "destinationId": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *           "channel": "webhook",
                     *           "status": "delivered",
                     *           "attempts": 1,
                     *           "responseCode": 204,
                     *           "lastAttemptAt": "2026-11-21T10:15:00.412Z"
                     *         }
                     *       ],
                     *       "nextCursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["DeliveryPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listReplays: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "rpl_5d1c1f7a100a8d3b1e6f0c4b579f0e2c5d1c1f7a",
                     *           "status": "running",
                     *           "createdAt": "2026-11-22T10:15:00.000Z",
                     *           "filter": {
                     *             "from": "2026-11-21T10:15:00.000Z",
                     *             "to": "2026-11-22T10:15:00.000Z",
                     *             "status": "failed",
                     *             "source": "log"
                     *           },
                     *           "ratePerSecond": 20,
                     *           "found": 120,
                     *           "started": 80,
                     *           "skipped": 2,
                     *           "skippedReasons": {
                     *             "erased": 2
                     *           },
                     *           "estimatedEndAt": "2026-11-22T10:15:00.000Z"
                     *         }
                     *       ],
                     *       "nextCursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["ReplayPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createReplay: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "from": "2026-01-01T00:00:00Z",
                 *       "status": "failed",
                 *       "ratePerSecond": 20
                 *     }
                 */
                "application/json": components["schemas"]["NewReplay"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "rpl_5d1c1f7a100a8d3b1e6f0c4b579f0e2c5d1c1f7a"
                     *     }
                     */
                    "application/json": components["schemas"]["StartedReplay"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getReplay: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example rpl_5d1c1f7a100a8d3b1e6f0c4b579f0e2c5d1c1f7a */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "rpl_5d1c1f7a100a8d3b1e6f0c4b579f0e2c5d1c1f7a",
                     *       "status": "running",
                     *       "createdAt": "2026-11-22T10:15:00.000Z",
                     *       "filter": {
                     *         "from": "2026-11-21T10:15:00.000Z",
                     *         "to": "2026-11-22T10:15:00.000Z",
                     *         "status": "failed",
                     *         "source": "log"
                     *       },
                     *       "ratePerSecond": 20,
                     *       "found": 120,
                     *       "started": 80,
                     *       "skipped": 2,
                     *       "skippedReasons": {
                     *         "erased": 2
                     *       },
                     *       "estimatedEndAt": "2026-11-22T10:15:00.000Z",
                     *       "delivered": 71,
                     *       "failed": 1,
                     *       "digested": 0,
                     *       "unrouted": 0,
                     *       "pending": 8
                     *     }
                     */
                    "application/json": components["schemas"]["Replay"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    pauseReplay: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example rpl_5d1c1f7a100a8d3b1e6f0c4b579f0e2c5d1c1f7a */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "rpl_5d1c1f7a100a8d3b1e6f0c4b579f0e2c5d1c1f7a"
                     *     }
                     */
                    "application/json": components["schemas"]["ReplayReference"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    resumeReplay: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example rpl_5d1c1f7a100a8d3b1e6f0c4b579f0e2c5d1c1f7a */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "ratePerSecond": 5
                 *     }
                 */
                "application/json": components["schemas"]["ReplayResumption"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "rpl_5d1c1f7a100a8d3b1e6f0c4b579f0e2c5d1c1f7a"
                     *     }
                     */
                    "application/json": components["schemas"]["ReplayReference"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    cancelReplay: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example rpl_5d1c1f7a100a8d3b1e6f0c4b579f0e2c5d1c1f7a */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "rpl_5d1c1f7a100a8d3b1e6f0c4b579f0e2c5d1c1f7a"
                     *     }
                     */
                    "application/json": components["schemas"]["ReplayReference"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    previewRouting: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "type": "aml.match.found",
                 *       "data": {
                 *         "customerId": "cus_7421",
                 *         "name": "Jane Roe",
                 *         "list": "OFAC SDN",
                 *         "score": 0.93
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["RoutingPreviewRequest"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "plan": {
                     *         "at": "2026-11-21T10:15:00.000Z",
                     *         "steps": [
                     *           {
                     *             "kind": "deliver",
                     *             "at": "2026-11-21T10:15:00.000Z",
                     *             "deliveries": [
                     *               {
                     *                 "destinationId": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *                 "channel": "webhook",
                     *                 "name": "Case system"
                     *               }
                     *             ]
                     *           }
                     *         ],
                     *         "routing": [
                     *           {
                     *             "destinationId": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *             "matched": true,
                     *             "reason": "subscribed to aml.*"
                     *           },
                     *           {
                     *             "ruleId": "rul_01jd7c0v5wfq8v4x5y6z7a8b9c",
                     *             "version": 3,
                     *             "name": "Escalate matches",
                     *             "matched": false,
                     *             "reason": "the filter does not match"
                     *           }
                     *         ]
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["RoutingPreview"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listRules: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "rul_01jd7c0v5wfq8v4x5y6z7a8b9c",
                     *           "version": 3,
                     *           "position": 1,
                     *           "enabled": true,
                     *           "name": "Escalate matches",
                     *           "when": {
                     *             "events": [
                     *               "aml.match.*"
                     *             ]
                     *           },
                     *           "steps": [
                     *             {
                     *               "deliver": {
                     *                 "to": [
                     *                   "dst_01jd7b2m3nfq8v4x5y6z7a8b9c"
                     *                 ]
                     *               }
                     *             },
                     *             {
                     *               "awaitAck": {
                     *                 "within": "15m",
                     *                 "otherwise": [
                     *                   {
                     *                     "deliver": {
                     *                       "to": [
                     *                         "dst_01jd7b2m3nfq8v4x5y6z7a8b9d"
                     *                       ]
                     *                     }
                     *                   }
                     *                 ]
                     *               }
                     *             }
                     *           ],
                     *           "createdAt": "2026-11-21T10:15:00.000Z",
                     *           "updatedAt": "2026-11-21T10:15:00.000Z"
                     *         }
                     *       ],
                     *       "nextCursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["RulePage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "Only log low scores",
                 *       "when": {
                 *         "events": [
                 *           "aml.match.*"
                 *         ],
                 *         "filter": {
                 *           "data.score": {
                 *             "$lt": 0.5
                 *           }
                 *         }
                 *       },
                 *       "steps": [
                 *         {
                 *           "stop": "the score is low"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewRule"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "rul_01jd7c0v5wfq8v4x5y6z7a8b9c",
                     *       "version": 3,
                     *       "position": 1,
                     *       "enabled": true,
                     *       "name": "Escalate matches",
                     *       "when": {
                     *         "events": [
                     *           "aml.match.*"
                     *         ]
                     *       },
                     *       "steps": [
                     *         {
                     *           "deliver": {
                     *             "to": [
                     *               "dst_01jd7b2m3nfq8v4x5y6z7a8b9c"
                     *             ]
                     *           }
                     *         },
                     *         {
                     *           "awaitAck": {
                     *             "within": "15m",
                     *             "otherwise": [
                     *               {
                     *                 "deliver": {
                     *                   "to": [
                     *                     "dst_01jd7b2m3nfq8v4x5y6z7a8b9d"
                     *                   ]
                     *                 }
                     *               }
                     *             ]
                     *           }
                     *         }
                     *       ],
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Rule"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example rul_01jd7c0v5wfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "rul_01jd7c0v5wfq8v4x5y6z7a8b9c",
                     *       "version": 3,
                     *       "position": 1,
                     *       "enabled": true,
                     *       "name": "Escalate matches",
                     *       "when": {
                     *         "events": [
                     *           "aml.match.*"
                     *         ]
                     *       },
                     *       "steps": [
                     *         {
                     *           "deliver": {
                     *             "to": [
                     *               "dst_01jd7b2m3nfq8v4x5y6z7a8b9c"
                     *             ]
                     *           }
                     *         },
                     *         {
                     *           "awaitAck": {
                     *             "within": "15m",
                     *             "otherwise": [
                     *               {
                     *                 "deliver": {
                     *                   "to": [
                     *                     "dst_01jd7b2m3nfq8v4x5y6z7a8b9d"
                     *                   ]
                     *                 }
                     *               }
                     *             ]
                     *           }
                     *         }
                     *       ],
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Rule"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example rul_01jd7c0v5wfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; the response has no body */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    updateRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example rul_01jd7c0v5wfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "exclusive": true
                 *     }
                 */
                "application/json": components["schemas"]["RulePatch"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "rul_01jd7c0v5wfq8v4x5y6z7a8b9c",
                     *       "version": 3,
                     *       "position": 1,
                     *       "enabled": true,
                     *       "name": "Escalate matches",
                     *       "when": {
                     *         "events": [
                     *           "aml.match.*"
                     *         ]
                     *       },
                     *       "steps": [
                     *         {
                     *           "deliver": {
                     *             "to": [
                     *               "dst_01jd7b2m3nfq8v4x5y6z7a8b9c"
                     *             ]
                     *           }
                     *         },
                     *         {
                     *           "awaitAck": {
                     *             "within": "15m",
                     *             "otherwise": [
                     *               {
                     *                 "deliver": {
                     *                   "to": [
                     *                     "dst_01jd7b2m3nfq8v4x5y6z7a8b9d"
                     *                   ]
                     *                 }
                     *               }
                     *             ]
                     *           }
                     *         }
                     *       ],
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Rule"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    enableRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example rul_01jd7c0v5wfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "rul_01jd7c0v5wfq8v4x5y6z7a8b9c",
                     *       "version": 3,
                     *       "position": 1,
                     *       "enabled": true,
                     *       "name": "Escalate matches",
                     *       "when": {
                     *         "events": [
                     *           "aml.match.*"
                     *         ]
                     *       },
                     *       "steps": [
                     *         {
                     *           "deliver": {
                     *             "to": [
                     *               "dst_01jd7b2m3nfq8v4x5y6z7a8b9c"
                     *             ]
                     *           }
                     *         },
                     *         {
                     *           "awaitAck": {
                     *             "within": "15m",
                     *             "otherwise": [
                     *               {
                     *                 "deliver": {
                     *                   "to": [
                     *                     "dst_01jd7b2m3nfq8v4x5y6z7a8b9d"
                     *                   ]
                     *                 }
                     *               }
                     *             ]
                     *           }
                     *         }
                     *       ],
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Rule"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    disableRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example rul_01jd7c0v5wfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "rul_01jd7c0v5wfq8v4x5y6z7a8b9c",
                     *       "version": 3,
                     *       "position": 1,
                     *       "enabled": true,
                     *       "name": "Escalate matches",
                     *       "when": {
                     *         "events": [
                     *           "aml.match.*"
                     *         ]
                     *       },
                     *       "steps": [
                     *         {
                     *           "deliver": {
                     *             "to": [
                     *               "dst_01jd7b2m3nfq8v4x5y6z7a8b9c"
                     *             ]
                     *           }
                     *         },
                     *         {
                     *           "awaitAck": {
                     *             "within": "15m",
                     *             "otherwise": [
                     *               {
                     *                 "deliver": {
                     *                   "to": [
                     *                     "dst_01jd7b2m3nfq8v4x5y6z7a8b9d"
                     *                   ]
                     *                 }
                     *               }
                     *             ]
                     *           }
                     *         }
                     *       ],
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Rule"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listRuleVersions: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: number;
            };
            header?: never;
            path: {
                /** @example rul_01jd7c0v5wfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "version": 3,
                     *           "name": "Escalate matches",
                     *           "when": {
                     *             "events": [
                     *               "aml.match.*"
                     *             ]
                     *           },
                     *           "steps": [
                     *             {
                     *               "deliver": {
                     *                 "to": [
                     *                   "dst_01jd7b2m3nfq8v4x5y6z7a8b9c"
                     *                 ]
                     *               }
                     *             },
                     *             {
                     *               "awaitAck": {
                     *                 "within": "15m",
                     *                 "otherwise": [
                     *                   {
                     *                     "deliver": {
                     *                       "to": [
                     *                         "dst_01jd7b2m3nfq8v4x5y6z7a8b9d"
                     *                       ]
                     *                     }
                     *                   }
                     *                 ]
                     *               }
                     *             }
                     *           ],
                     *           "keyId": "key_01jd7aa1b2fq8v4x5y6z7a8b9c",
                     *           "createdAt": "2026-11-21T10:15:00.000Z"
                     *         }
                     *       ],
                     *       "nextCursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["RuleVersionPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listEventTypes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "type": "aml.match.found",
                     *           "description": "A customer matches an entry of a list.",
                     *           "title": "{{ data.name }} matches {{ data.list }}",
                     *           "schema": {
                     *             "type": "object",
                     *             "required": [
                     *               "customerId"
                     *             ]
                     *           },
                     *           "sample": {
                     *             "customerId": "cus_7421",
                     *             "name": "Jane Roe",
                     *             "list": "OFAC SDN",
                     *             "score": 0.93
                     *           },
                     *           "enforce": true,
                     *           "source": "own",
                     *           "aliases": [],
                     *           "createdAt": "2026-11-21T10:15:00.000Z",
                     *           "updatedAt": "2026-11-21T10:15:00.000Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["EventTypes"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createEventType: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "type": "aml.match.found",
                 *       "description": "A customer matches an entry of a list.",
                 *       "title": "{{ data.name }} matches {{ data.list }}",
                 *       "schema": {
                 *         "type": "object",
                 *         "required": [
                 *           "customerId"
                 *         ]
                 *       },
                 *       "sample": {
                 *         "customerId": "cus_7421",
                 *         "name": "Jane Roe",
                 *         "list": "OFAC SDN",
                 *         "score": 0.93
                 *       },
                 *       "enforce": true
                 *     }
                 */
                "application/json": components["schemas"]["NewEventType"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "aml.match.found",
                     *       "description": "A customer matches an entry of a list.",
                     *       "title": "{{ data.name }} matches {{ data.list }}",
                     *       "schema": {
                     *         "type": "object",
                     *         "required": [
                     *           "customerId"
                     *         ]
                     *       },
                     *       "sample": {
                     *         "customerId": "cus_7421",
                     *         "name": "Jane Roe",
                     *         "list": "OFAC SDN",
                     *         "score": 0.93
                     *       },
                     *       "enforce": true,
                     *       "source": "own",
                     *       "aliases": [],
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["EventType"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listEventTypePresets: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "preset": "dataspike",
                     *           "types": [
                     *             "DOCVER",
                     *             "AML_SCREENING"
                     *           ]
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["EventTypePresets"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    applyEventTypePreset: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "preset": "dataspike"
                 *     }
                 */
                "application/json": components["schemas"]["EventTypePresetRequest"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "registered": [
                     *         "DOCVER"
                     *       ],
                     *       "existing": [
                     *         "AML_SCREENING"
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["RegisteredEventTypes"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getEventType: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example aml.match.found */
                type: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "aml.match.found",
                     *       "description": "A customer matches an entry of a list.",
                     *       "title": "{{ data.name }} matches {{ data.list }}",
                     *       "schema": {
                     *         "type": "object",
                     *         "required": [
                     *           "customerId"
                     *         ]
                     *       },
                     *       "sample": {
                     *         "customerId": "cus_7421",
                     *         "name": "Jane Roe",
                     *         "list": "OFAC SDN",
                     *         "score": 0.93
                     *       },
                     *       "enforce": true,
                     *       "source": "own",
                     *       "aliases": [],
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["EventType"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteEventType: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example aml.match.found */
                type: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; the response has no body */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    updateEventType: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example aml.match.found */
                type: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "description": "A customer matches an entry of a sanctions list."
                 *     }
                 */
                "application/json": components["schemas"]["EventTypePatch"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "aml.match.found",
                     *       "description": "A customer matches an entry of a list.",
                     *       "title": "{{ data.name }} matches {{ data.list }}",
                     *       "schema": {
                     *         "type": "object",
                     *         "required": [
                     *           "customerId"
                     *         ]
                     *       },
                     *       "sample": {
                     *         "customerId": "cus_7421",
                     *         "name": "Jane Roe",
                     *         "list": "OFAC SDN",
                     *         "score": 0.93
                     *       },
                     *       "enforce": true,
                     *       "source": "own",
                     *       "aliases": [],
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["EventType"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listTemplates: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "tpl_01jd7c2r8tfq8v4x5y6z7a8b9c",
                     *           "version": 1,
                     *           "environment": "production",
                     *           "name": "Short match",
                     *           "eventTypes": [
                     *             "aml.match.found"
                     *           ],
                     *           "createdAt": "2026-11-21T10:15:00.000Z",
                     *           "updatedAt": "2026-11-21T10:15:00.000Z",
                     *           "channels": [
                     *             "slack"
                     *           ]
                     *         }
                     *       ],
                     *       "nextCursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["TemplatePage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createTemplate: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "Short match",
                 *       "eventTypes": [
                 *         "aml.match.found"
                 *       ],
                 *       "parts": {
                 *         "slack": {
                 *           "text": "Match on {{ data.list }}: {{ data.name }}"
                 *         }
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["NewTemplate"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "tpl_01jd7c2r8tfq8v4x5y6z7a8b9c",
                     *       "version": 1,
                     *       "environment": "production",
                     *       "name": "Short match",
                     *       "eventTypes": [
                     *         "aml.match.found"
                     *       ],
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z",
                     *       "parts": {
                     *         "slack": {
                     *           "text": "Match on {{ data.list }}: {{ data.name }}"
                     *         }
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Template"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    previewTemplateParts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "parts": {
                 *         "slack": {
                 *           "text": "Match on {{ data.list }}: {{ data.name }}"
                 *         }
                 *       },
                 *       "event": {
                 *         "type": "aml.match.found",
                 *         "data": {
                 *           "customerId": "cus_7421",
                 *           "name": "Jane Roe",
                 *           "list": "OFAC SDN",
                 *           "score": 0.93
                 *         }
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["TemplatePartsPreviewRequest"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "event": {
                     *         "type": "aml.match.found",
                     *         "data": {
                     *           "customerId": "cus_7421",
                     *           "name": "Jane Roe",
                     *           "list": "OFAC SDN",
                     *           "score": 0.93
                     *         }
                     *       },
                     *       "channels": {
                     *         "slack": {
                     *           "text": "Match on OFAC SDN: Jane Roe"
                     *         }
                     *       },
                     *       "problems": [],
                     *       "absent": []
                     *     }
                     */
                    "application/json": components["schemas"]["TemplatePreview"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getTemplate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example tpl_01jd7c2r8tfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "tpl_01jd7c2r8tfq8v4x5y6z7a8b9c",
                     *       "version": 1,
                     *       "environment": "production",
                     *       "name": "Short match",
                     *       "eventTypes": [
                     *         "aml.match.found"
                     *       ],
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z",
                     *       "parts": {
                     *         "slack": {
                     *           "text": "Match on {{ data.list }}: {{ data.name }}"
                     *         }
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Template"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteTemplate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example tpl_01jd7c2r8tfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; the response has no body */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    updateTemplate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example tpl_01jd7c2r8tfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "parts": {
                 *         "slack": {
                 *           "text": "Match on {{ data.list }}: {{ data.name }}"
                 *         }
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["TemplatePatch"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "tpl_01jd7c2r8tfq8v4x5y6z7a8b9c",
                     *       "version": 1,
                     *       "environment": "production",
                     *       "name": "Short match",
                     *       "eventTypes": [
                     *         "aml.match.found"
                     *       ],
                     *       "createdAt": "2026-11-21T10:15:00.000Z",
                     *       "updatedAt": "2026-11-21T10:15:00.000Z",
                     *       "parts": {
                     *         "slack": {
                     *           "text": "Match on {{ data.list }}: {{ data.name }}"
                     *         }
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Template"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listTemplateVersions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example tpl_01jd7c2r8tfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "version": 1,
                     *           "name": "Short match",
                     *           "parts": {
                     *             "slack": {
                     *               "text": "Match on {{ data.list }}: {{ data.name }}"
                     *             }
                     *           },
                     *           "keyId": "key_01jd7aa1b2fq8v4x5y6z7a8b9c",
                     *           "createdAt": "2026-11-21T10:15:00.000Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["TemplateVersions"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    previewTemplate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example tpl_01jd7c2r8tfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "event": {
                 *         "type": "aml.match.found",
                 *         "data": {
                 *           "customerId": "cus_7421",
                 *           "name": "Jane Roe",
                 *           "list": "OFAC SDN",
                 *           "score": 0.93
                 *         }
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["TemplatePreviewRequest"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "event": {
                     *         "type": "aml.match.found",
                     *         "data": {
                     *           "customerId": "cus_7421",
                     *           "name": "Jane Roe",
                     *           "list": "OFAC SDN",
                     *           "score": 0.93
                     *         }
                     *       },
                     *       "channels": {
                     *         "slack": {
                     *           "text": "Match on OFAC SDN: Jane Roe"
                     *         }
                     *       },
                     *       "problems": [],
                     *       "absent": []
                     *     }
                     */
                    "application/json": components["schemas"]["TemplatePreview"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    exportConfiguration: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "switchyard": 1,
                     *       "environment": "production",
                     *       "destinations": [
                     *         {
                     *           "name": "Case system",
                     *           "channel": "webhook",
                     *           "config": {
                     *             "url": "https://example.com/hooks/switchyard"
                     *           },
                     *           "subscription": {
                     *             "eventTypes": [
                     *               "aml.*"
                     *             ]
                     *           }
                     *         }
                     *       ],
                     *       "templates": [],
                     *       "rules": [
                     *         {
                     *           "name": "Only log low scores",
                     *           "when": {
                     *             "events": [
                     *               "aml.match.*"
                     *             ],
                     *             "filter": {
                     *               "data.score": {
                     *                 "$lt": 0.5
                     *               }
                     *             }
                     *           },
                     *           "steps": [
                     *             {
                     *               "stop": "the score is low"
                     *             }
                     *           ]
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["ExportedConfiguration"];
                    /**
                     * @example {
                     *       "switchyard": 1,
                     *       "environment": "production",
                     *       "destinations": [
                     *         {
                     *           "name": "Case system",
                     *           "channel": "webhook",
                     *           "config": {
                     *             "url": "https://example.com/hooks/switchyard"
                     *           },
                     *           "subscription": {
                     *             "eventTypes": [
                     *               "aml.*"
                     *             ]
                     *           }
                     *         }
                     *       ],
                     *       "templates": [],
                     *       "rules": [
                     *         {
                     *           "name": "Only log low scores",
                     *           "when": {
                     *             "events": [
                     *               "aml.match.*"
                     *             ],
                     *             "filter": {
                     *               "data.score": {
                     *                 "$lt": 0.5
                     *               }
                     *             }
                     *           },
                     *           "steps": [
                     *             {
                     *               "stop": "the score is low"
                     *             }
                     *           ]
                     *         }
                     *       ]
                     *     }
                     */
                    "application/yaml": components["schemas"]["ExportedConfiguration"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    applyConfiguration: {
        parameters: {
            query?: {
                /** @description Report the changes without applying them. */
                dryRun?: "true" | "false";
                /** @description Delete resources that are missing from the document’s lists. */
                prune?: "true" | "false";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "switchyard": 1,
                 *       "destinations": [
                 *         {
                 *           "name": "Case system",
                 *           "channel": "webhook",
                 *           "config": {
                 *             "url": "https://example.com/hooks/switchyard"
                 *           },
                 *           "subscription": {
                 *             "eventTypes": [
                 *               "aml.*"
                 *             ]
                 *           }
                 *         }
                 *       ],
                 *       "rules": [
                 *         {
                 *           "name": "Only log low scores",
                 *           "when": {
                 *             "events": [
                 *               "aml.match.*"
                 *             ],
                 *             "filter": {
                 *               "data.score": {
                 *                 "$lt": 0.5
                 *               }
                 *             }
                 *           },
                 *           "steps": [
                 *             {
                 *               "stop": "the score is low"
                 *             }
                 *           ]
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["ConfigurationDocument"];
                /**
                 * @example {
                 *       "switchyard": 1,
                 *       "destinations": [
                 *         {
                 *           "name": "Case system",
                 *           "channel": "webhook",
                 *           "config": {
                 *             "url": "https://example.com/hooks/switchyard"
                 *           },
                 *           "subscription": {
                 *             "eventTypes": [
                 *               "aml.*"
                 *             ]
                 *           }
                 *         }
                 *       ],
                 *       "rules": [
                 *         {
                 *           "name": "Only log low scores",
                 *           "when": {
                 *             "events": [
                 *               "aml.match.*"
                 *             ],
                 *             "filter": {
                 *               "data.score": {
                 *                 "$lt": 0.5
                 *               }
                 *             }
                 *           },
                 *           "steps": [
                 *             {
                 *               "stop": "the score is low"
                 *             }
                 *           ]
                 *         }
                 *       ]
                 *     }
                 */
                "application/yaml": components["schemas"]["ConfigurationDocument"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "applied": true,
                     *       "changes": [
                     *         {
                     *           "kind": "rule",
                     *           "name": "Only log low scores",
                     *           "id": "rul_01jd7c0v5wfq8v4x5y6z7a8b9c",
                     *           "change": "created",
                     *           "diff": "+name: Only log low scores\n"
                     *         }
                     *       ],
                     *       "unmanaged": [
                     *         {
                     *           "kind": "template",
                     *           "name": "Short match",
                     *           "id": "tpl_01jd7c2r8tfq8v4x5y6z7a8b9c"
                     *         }
                     *       ],
                     *       "diff": "+name: Only log low scores\n"
                     *     }
                     */
                    "application/json": components["schemas"]["AppliedConfiguration"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    rotateApiSecret: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "overlap": "24h"
                 *     }
                 */
                "application/json": components["schemas"]["ApiSecretRotation"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "apiSecret": "k3yQ7f0v9mS1xZ4b",
                     *       "previousEndsAt": "2026-11-22T10:15:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["RotatedApiSecret"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listAuditEntries: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                /** @description An action such as `destination.changed`. */
                action?: string;
                /** @description The id of the affected resource. */
                subject?: string;
                keyId?: string;
                from?: string;
                /** @description Only entries before this time. */
                to?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "aud_01jd7f0a1bfq8v4x5y6z7a8b9c",
                     *           "at": "2026-11-21T10:15:00.000Z",
                     *           "environment": "production",
                     *           "action": "destination.changed",
                     *           "subject": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *           "keyId": "key_01jd7aa1b2fq8v4x5y6z7a8b9c",
                     *           "address": "203.0.113.7",
                     *           "before": {
                     *             "name": "Case system"
                     *           },
                     *           "after": {
                     *             "name": "Case system (EU)"
                     *           },
                     *           "sequence": 1042,
                     *           "hash": "9f0e2c5d1c1f7a100a8d3b1e6f0c4b57"
                     *         }
                     *       ],
                     *       "nextCursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getAuditHeads: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "chain": "ten_01jd7a9f2gfq8v4x5y6z7a8b9c/production",
                     *           "sequence": 1042,
                     *           "hash": "9f0e2c5d1c1f7a100a8d3b1e6f0c4b57"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["AuditHeads"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listTenantAuditEntries: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                /** @description An action such as `destination.changed`. */
                action?: string;
                /** @description The id of the affected resource. */
                subject?: string;
                keyId?: string;
                from?: string;
                /** @description Only entries before this time. */
                to?: string;
            };
            header?: never;
            path: {
                /** @example ten_01jd7a9f2gfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "aud_01jd7f0a1bfq8v4x5y6z7a8b9c",
                     *           "at": "2026-11-21T10:15:00.000Z",
                     *           "environment": "production",
                     *           "action": "destination.changed",
                     *           "subject": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *           "keyId": "key_01jd7aa1b2fq8v4x5y6z7a8b9c",
                     *           "address": "203.0.113.7",
                     *           "before": {
                     *             "name": "Case system"
                     *           },
                     *           "after": {
                     *             "name": "Case system (EU)"
                     *           },
                     *           "sequence": 1042,
                     *           "hash": "9f0e2c5d1c1f7a100a8d3b1e6f0c4b57"
                     *         }
                     *       ],
                     *       "nextCursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getTenantAuditHeads: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example ten_01jd7a9f2gfq8v4x5y6z7a8b9c */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "chain": "ten_01jd7a9f2gfq8v4x5y6z7a8b9c/production",
                     *           "sequence": 1042,
                     *           "hash": "9f0e2c5d1c1f7a100a8d3b1e6f0c4b57"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["AuditHeads"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listPlatformAuditEntries: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                /** @description An action such as `destination.changed`. */
                action?: string;
                /** @description The id of the affected resource. */
                subject?: string;
                keyId?: string;
                from?: string;
                /** @description Only entries before this time. */
                to?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "aud_01jd7f0a1bfq8v4x5y6z7a8b9c",
                     *           "at": "2026-11-21T10:15:00.000Z",
                     *           "environment": "production",
                     *           "action": "destination.changed",
                     *           "subject": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *           "keyId": "key_01jd7aa1b2fq8v4x5y6z7a8b9c",
                     *           "address": "203.0.113.7",
                     *           "before": {
                     *             "name": "Case system"
                     *           },
                     *           "after": {
                     *             "name": "Case system (EU)"
                     *           },
                     *           "sequence": 1042,
                     *           "hash": "9f0e2c5d1c1f7a100a8d3b1e6f0c4b57"
                     *         }
                     *       ],
                     *       "nextCursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getPlatformAuditHeads: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "chain": "ten_01jd7a9f2gfq8v4x5y6z7a8b9c/production",
                     *           "sequence": 1042,
                     *           "hash": "9f0e2c5d1c1f7a100a8d3b1e6f0c4b57"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["AuditHeads"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    testWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description The value of this header on the webhook that caused the request, so that webhook loops end. A value over 8 is rejected with `loop_detected`. */
                "Switchyard-Hops"?: components["parameters"]["Hops"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "webhook_url": "https://example.com/hooks/switchyard"
                 *     }
                 */
                "application/json": components["schemas"]["WebhookTest"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "message": "Test webhook delivered successfully",
                     *       "log_id": 12,
                     *       "http_status_code": 204
                     *     }
                     */
                    "application/json": components["schemas"]["WebhookTestResult"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            /** @description The receiver did not accept the test */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": false,
                     *       "message": "Test webhook delivery failed: HTTP 503",
                     *       "log_id": 12,
                     *       "http_status_code": 503
                     *     }
                     */
                    "application/json": components["schemas"]["FailedWebhookTest"];
                };
            };
            503: components["responses"]["Unavailable"];
        };
    };
    listWebhookLogs: {
        parameters: {
            query?: {
                /** @description A webhook id: a UUID or dst_…. */
                webhook?: string;
                status?: "Success" | "Error" | "Pending";
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "logs": [
                     *         {
                     *           "status": "Success",
                     *           "event": "test",
                     *           "response_code": 204,
                     *           "timestamp": "2026-11-21T10:15:00.000Z",
                     *           "response": null,
                     *           "attempts": 1,
                     *           "event_id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                     *           "webhook_id": "01934fb1-5174-7ae9-b24f-45f1bf3a2969",
                     *           "test": true
                     *         }
                     *       ],
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["WebhookLogs"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getWebhookLog: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 12 */
                log_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "log_id": 12,
                     *       "status": "Success",
                     *       "event": "test",
                     *       "response_code": 204,
                     *       "timestamp": "2026-11-21T10:15:00.000Z",
                     *       "response": null,
                     *       "attempts": 1,
                     *       "event_id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                     *       "webhook_id": "01934fb1-5174-7ae9-b24f-45f1bf3a2969",
                     *       "test": true
                     *     }
                     */
                    "application/json": components["schemas"]["WebhookLog"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listWebhooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "webhooks": [
                     *         {
                     *           "id": "01934fb1-5174-7ae9-b24f-45f1bf3a2969",
                     *           "event_type": "case.created",
                     *           "webhook_url": "https://example.com/hooks/switchyard",
                     *           "is_active": true,
                     *           "description": "Case system",
                     *           "filters": {},
                     *           "created_at": "2026-11-21T10:15:00.000000Z",
                     *           "stats": {
                     *             "total_deliveries": 1042,
                     *             "successful_deliveries": 1037,
                     *             "failed_deliveries": 5
                     *           },
                     *           "last_triggered_at": "2026-11-21T10:15:00.000000Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Webhooks"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "event_type": "test",
                 *       "webhook_url": "https://example.com/hooks/switchyard",
                 *       "description": "Case system"
                 *     }
                 */
                "application/json": components["schemas"]["NewWebhook"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "01934fb1-5174-7ae9-b24f-45f1bf3a2969",
                     *       "event_type": "test",
                     *       "webhook_url": "https://example.com/hooks/switchyard",
                     *       "secret_key": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                     *       "message": "Webhook created successfully"
                     *     }
                     */
                    "application/json": components["schemas"]["CreatedWebhook"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 01934fb1-5174-7ae9-b24f-45f1bf3a2969 */
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "01934fb1-5174-7ae9-b24f-45f1bf3a2969",
                     *       "event_type": "case.created",
                     *       "webhook_url": "https://example.com/hooks/switchyard",
                     *       "is_active": true,
                     *       "description": "Case system",
                     *       "filters": {},
                     *       "created_at": "2026-11-21T10:15:00.000000Z",
                     *       "stats": {
                     *         "total_deliveries": 1042,
                     *         "successful_deliveries": 1037,
                     *         "failed_deliveries": 5
                     *       },
                     *       "last_triggered_at": "2026-11-21T10:15:00.000000Z",
                     *       "updated_at": "2026-11-21T10:15:00.000000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 01934fb1-5174-7ae9-b24f-45f1bf3a2969 */
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "Webhook deleted successfully"
                     *     }
                     */
                    "application/json": components["schemas"]["DeletedWebhook"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    updateWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 01934fb1-5174-7ae9-b24f-45f1bf3a2969 */
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "is_active": false
                 *     }
                 */
                "application/json": components["schemas"]["WebhookPatch"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "Webhook updated",
                     *       "id": "01934fb1-5174-7ae9-b24f-45f1bf3a2969"
                     *     }
                     */
                    "application/json": components["schemas"]["UpdatedWebhook"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    getTenantSettings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "webhook_url": "https://example.com/hooks/switchyard",
                     *       "webhook_secret": "********LaSw",
                     *       "notification_emails": [
                     *         "compliance@example.com"
                     *       ],
                     *       "slack_webhook_url": null,
                     *       "event_categories": null
                     *     }
                     */
                    "application/json": components["schemas"]["TenantSettings"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    updateTenantSettings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "webhook_url": "https://example.com/hooks/switchyard",
                 *       "notification_emails": [
                 *         "compliance@example.com"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["TenantSettingsPatch"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "webhook_url": "https://example.com/hooks/switchyard",
                     *       "webhook_secret": "********LaSw",
                     *       "notification_emails": [
                     *         "compliance@example.com"
                     *       ],
                     *       "slack_webhook_url": null,
                     *       "event_categories": null
                     *     }
                     */
                    "application/json": components["schemas"]["TenantSettings"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    revealWebhookSecret: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "webhook_secret": "a-secret-of-your-own"
                     *     }
                     */
                    "application/json": components["schemas"]["RevealedWebhookSecret"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listWebhookHistory: {
        parameters: {
            query?: {
                /** @description The id of the last event you have received. */
                after?: string;
                /** @description Only invocations of this webhook. */
                webhook?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                     *           "webhook_id": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                     *           "event_type": "aml.match.found",
                     *           "payload": {
                     *             "customerId": "cus_7421",
                     *             "name": "Jane Roe",
                     *             "list": "OFAC SDN",
                     *             "score": 0.93
                     *           },
                     *           "timestamp": "2026-11-21T10:15:00.000Z",
                     *           "is_sandbox": false,
                     *           "attempts": 1,
                     *           "response_code": 204,
                     *           "last_attempt_at": "2026-11-21T10:15:00.000Z"
                     *         }
                     *       ],
                     *       "has_next": false
                     *     }
                     */
                    "application/json": components["schemas"]["WebhookHistory"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            422: components["responses"]["ValidationFailed"];
            429: components["responses"]["RateLimited"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    onStandardWebhooks: {
        parameters: {
            query?: never;
            header: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                "webhook-id": string;
                /** @example 1795256100 */
                "webhook-timestamp": string;
                /** @example v1,prjeMa8Vcc8saRdRHj4A8AsNfzzOIDfMQ6RRqaHT/9Y= */
                "webhook-signature": string;
                /** @example 1 */
                "Switchyard-Hops": string;
                /** @description Only on test events. */
                "Switchyard-Test"?: "true";
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "type": "aml.match.found",
                 *       "timestamp": "2026-11-21T10:15:00.000Z",
                 *       "data": {
                 *         "customerId": "cus_7421",
                 *         "name": "Jane Roe",
                 *         "list": "OFAC SDN",
                 *         "score": 0.93
                 *       }
                 *     }
                 */
                "application/json": {
                    type: string;
                    /** @description When the event was accepted. */
                    timestamp: string;
                    /** @description The bytes that were posted. */
                    data: {
                        [key: string]: unknown;
                    };
                };
            };
        };
        responses: {
            /** @description The receiver is gone: the destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered. Anything else is retried or, for some codes, refused for good. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onCloudevents: {
        parameters: {
            query?: never;
            header: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                "webhook-id": string;
                /** @example 1795256100 */
                "webhook-timestamp": string;
                /** @example v1,/9zIv+s6NJHQILVYP4YfBkOML6KF4amC3Iw++ZZanUg= */
                "webhook-signature": string;
                /** @example 1 */
                "Switchyard-Hops": string;
                /** @description Only on test events. */
                "Switchyard-Test"?: "true";
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "specversion": "1.0",
                 *       "id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                 *       "source": "urn:switchyard:ten_01jd7a9f2gfq8v4x5y6z7a8b9c:production",
                 *       "type": "aml.match.found",
                 *       "time": "2026-11-21T10:15:00.000Z",
                 *       "datacontenttype": "application/json",
                 *       "data": {
                 *         "customerId": "cus_7421",
                 *         "name": "Jane Roe",
                 *         "list": "OFAC SDN",
                 *         "score": 0.93
                 *       }
                 *     }
                 */
                "application/cloudevents+json": {
                    /** @enum {string} */
                    specversion: "1.0";
                    id: string;
                    /** @description `urn:switchyard:<tenant>:<environment>` */
                    source: string;
                    type: string;
                    /** @description When the event was accepted. */
                    time: string;
                    /** @enum {string} */
                    datacontenttype: "application/json";
                    /** @description The bytes that were posted. */
                    data: {
                        [key: string]: unknown;
                    };
                };
            };
        };
        responses: {
            /** @description The receiver is gone: the destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered. Anything else is retried or, for some codes, refused for good. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onDataspike: {
        parameters: {
            query?: never;
            header: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                "webhook-id": string;
                /** @example 1795256100 */
                "webhook-timestamp": string;
                /** @example v1,8lMWbfEx/XdQFKyVlUpV77k1zxyGI1bJt3bYkcYXB6I= */
                "webhook-signature": string;
                /** @example 1 */
                "Switchyard-Hops": string;
                /** @description Only on test events. */
                "Switchyard-Test"?: "true";
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                 *       "webhook_id": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                 *       "event_type": "aml.match.found",
                 *       "timestamp": "2026-11-21T10:15:00.000Z",
                 *       "payload": {
                 *         "customerId": "cus_7421",
                 *         "name": "Jane Roe",
                 *         "list": "OFAC SDN",
                 *         "score": 0.93
                 *       }
                 *     }
                 */
                "application/json": {
                    id: string;
                    webhook_id: string;
                    event_type: string;
                    /** @description When the event was accepted. */
                    timestamp: string;
                    /** @description The bytes that were posted. */
                    payload: {
                        [key: string]: unknown;
                    };
                };
            };
        };
        responses: {
            /** @description The receiver is gone: the destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered. Anything else is retried or, for some codes, refused for good. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onKycWebhooks: {
        parameters: {
            query?: never;
            header: {
                /** @example KYC-Webhooks/1.0 */
                "User-Agent": string;
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                "X-Webhook-ID": string;
                /** @example 1795256100 */
                "X-Webhook-Timestamp": string;
                /** @example sha256=ceb49cc26392365e774d2dcf82fdca5f8c9a7edca8332f09692a0a9738201f86 */
                "X-Webhook-Signature": string;
                /** @example 1 */
                "Switchyard-Hops": string;
                /** @description Only on test events. */
                "Switchyard-Test"?: "true";
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                 *       "type": "aml.match.found",
                 *       "created": 1795256100,
                 *       "data": {
                 *         "customerId": "cus_7421",
                 *         "name": "Jane Roe",
                 *         "list": "OFAC SDN",
                 *         "score": 0.93
                 *       }
                 *     }
                 */
                "application/json": {
                    id: string;
                    type: string;
                    /** @description When the event was accepted, in seconds since 1970. */
                    created: number;
                    /** @description The bytes that were posted. */
                    data: {
                        [key: string]: unknown;
                    };
                };
            };
        };
        responses: {
            /** @description The receiver is gone: the destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered. Anything else is retried or, for some codes, refused for good. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onSmartKyc: {
        parameters: {
            query?: never;
            header: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                "Idempotency-Key": string;
                /** @example 0a60c668e789abf274a0809e17f552e3aaffdda717c8c76c4af4d1a5df19bd5f */
                "X-SmartKYC-Signature": string;
                /** @example 1 */
                "Switchyard-Hops": string;
                /** @description Only on test events. */
                "Switchyard-Test"?: "true";
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "event": "aml.match.found",
                 *       "timestamp": "2026-11-21T10:15:00.000Z",
                 *       "data": {
                 *         "customerId": "cus_7421",
                 *         "name": "Jane Roe",
                 *         "list": "OFAC SDN",
                 *         "score": 0.93
                 *       },
                 *       "tenantId": "ten_01jd7a9f2gfq8v4x5y6z7a8b9c"
                 *     }
                 */
                "application/json": {
                    event: string;
                    /** @description When the event was accepted. */
                    timestamp: string;
                    /** @description The bytes that were posted. */
                    data: {
                        [key: string]: unknown;
                    };
                    tenantId: string;
                };
            };
        };
        responses: {
            /** @description The receiver is gone: the destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered. Anything else is retried or, for some codes, refused for good. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onDestinationDisabled: {
        parameters: {
            query?: never;
            header: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                "webhook-id": string;
                /** @example 1795256100 */
                "webhook-timestamp": string;
                /** @example v1,l57k+q/so0Np837PHfgVV6RVAlwp9cXKv4puAn/EnJ4= */
                "webhook-signature": string;
                /** @example 1 */
                "Switchyard-Hops": string;
                /** @description Only on test events. */
                "Switchyard-Test"?: "true";
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "type": "destination.disabled",
                 *       "timestamp": "2026-11-21T10:15:00.000Z",
                 *       "data": {
                 *         "destinationId": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                 *         "name": "Case system",
                 *         "channel": "webhook",
                 *         "reason": "HTTP 410: the receiver is gone",
                 *         "at": "2026-11-21T10:15:00.000Z"
                 *       }
                 *     }
                 */
                "application/json": {
                    /** @enum {string} */
                    type: "destination.disabled";
                    timestamp: string;
                    data: {
                        destinationId?: string;
                        name?: string;
                        channel?: string;
                        reason?: string;
                        at?: string;
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
        };
        responses: {
            /** @description The receiver is gone: the destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered. Anything else is retried or, for some codes, refused for good. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onDestinationRecovered: {
        parameters: {
            query?: never;
            header: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                "webhook-id": string;
                /** @example 1795256100 */
                "webhook-timestamp": string;
                /** @example v1,dbX6nTwFP+ArCHYDB50UKke/96qsmdAgDtri8+QWDx0= */
                "webhook-signature": string;
                /** @example 1 */
                "Switchyard-Hops": string;
                /** @description Only on test events. */
                "Switchyard-Test"?: "true";
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "type": "destination.recovered",
                 *       "timestamp": "2026-11-21T10:15:00.000Z",
                 *       "data": {
                 *         "destinationId": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                 *         "name": "Case system",
                 *         "channel": "webhook",
                 *         "reason": "reactivated through the API; disabled since 2026-11-21T10:15:00.000Z: HTTP 410: the receiver is gone",
                 *         "at": "2026-11-21T16:40:00.000Z"
                 *       }
                 *     }
                 */
                "application/json": {
                    /** @enum {string} */
                    type: "destination.recovered";
                    timestamp: string;
                    data: {
                        destinationId?: string;
                        name?: string;
                        channel?: string;
                        reason?: string;
                        at?: string;
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
        };
        responses: {
            /** @description The receiver is gone: the destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered. Anything else is retried or, for some codes, refused for good. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onDeliveryFailing: {
        parameters: {
            query?: never;
            header: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                "webhook-id": string;
                /** @example 1795256100 */
                "webhook-timestamp": string;
                /** @example v1,PdtaxSmmv2sj1J6O1D4RGTE0q898MdWcnGSVkCPjVBc= */
                "webhook-signature": string;
                /** @example 1 */
                "Switchyard-Hops": string;
                /** @description Only on test events. */
                "Switchyard-Test"?: "true";
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "type": "delivery.failing",
                 *       "timestamp": "2026-11-21T10:15:00.000Z",
                 *       "data": {
                 *         "destinationId": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                 *         "name": "Case system",
                 *         "channel": "webhook",
                 *         "failingSince": "2026-11-21T10:15:00.000Z",
                 *         "eventId": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                 *         "eventType": "aml.match.found",
                 *         "attempts": 4,
                 *         "lastError": "HTTP 503",
                 *         "at": "2026-11-21T10:50:05.000Z"
                 *       }
                 *     }
                 */
                "application/json": {
                    /** @enum {string} */
                    type: "delivery.failing";
                    timestamp: string;
                    data: {
                        destinationId?: string;
                        name?: string;
                        channel?: string;
                        failingSince?: string;
                        eventId?: string;
                        eventType?: string;
                        attempts?: number;
                        lastError?: string;
                        at?: string;
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
        };
        responses: {
            /** @description The receiver is gone: the destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered. Anything else is retried or, for some codes, refused for good. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onDeliveryExhausted: {
        parameters: {
            query?: never;
            header: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                "webhook-id": string;
                /** @example 1795256100 */
                "webhook-timestamp": string;
                /** @example v1,OgHRsuSkanXq65OYoCAaAQPDB7/1Xza3vQuTwN4k8Nc= */
                "webhook-signature": string;
                /** @example 1 */
                "Switchyard-Hops": string;
                /** @description Only on test events. */
                "Switchyard-Test"?: "true";
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "type": "delivery.exhausted",
                 *       "timestamp": "2026-11-21T10:15:00.000Z",
                 *       "data": {
                 *         "eventId": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                 *         "eventType": "aml.match.found",
                 *         "eventCreatedAt": "2026-11-21T10:15:00.000Z",
                 *         "destinationId": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                 *         "name": "Case system",
                 *         "channel": "webhook",
                 *         "reason": "exhausted: all 10 attempts failed",
                 *         "attempts": 10,
                 *         "lastError": "HTTP 503",
                 *         "at": "2026-11-24T13:20:00.000Z"
                 *       }
                 *     }
                 */
                "application/json": {
                    /** @enum {string} */
                    type: "delivery.exhausted";
                    timestamp: string;
                    data: {
                        eventId?: string;
                        eventType?: string;
                        eventCreatedAt?: string;
                        destinationId?: string;
                        name?: string;
                        channel?: string;
                        reason?: string;
                        attempts?: number;
                        lastError?: string;
                        at?: string;
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
        };
        responses: {
            /** @description The receiver is gone: the destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered. Anything else is retried or, for some codes, refused for good. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onDigest: {
        parameters: {
            query?: never;
            header: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                "webhook-id": string;
                /** @example 1795256100 */
                "webhook-timestamp": string;
                /** @example v1,fj6gadBnhHOgYF1Nt9x6oH6OJFnoQTciZiMoZZXtmdk= */
                "webhook-signature": string;
                /** @example 1 */
                "Switchyard-Hops": string;
                /** @description Only on test events. */
                "Switchyard-Test"?: "true";
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "type": "digest",
                 *       "timestamp": "2026-11-21T10:15:00.000Z",
                 *       "data": {
                 *         "rule": {
                 *           "id": "rul_01jd7b8c3nfq8v4x5y6z7a8b9c",
                 *           "name": "Hourly digest"
                 *         },
                 *         "by": "data.customerId",
                 *         "key": "cus_17",
                 *         "count": 2,
                 *         "from": "2026-11-21T10:15:00.000Z",
                 *         "to": "2026-11-21T10:50:05.000Z",
                 *         "types": {
                 *           "aml.match.found": 1,
                 *           "document.expired": 1
                 *         },
                 *         "events": [
                 *           {
                 *             "id": "evt_01jd7b6h2k4m5n6p7q8r9s0t1v",
                 *             "type": "aml.match.found",
                 *             "createdAt": "2026-11-21T10:15:00.000Z",
                 *             "data": {
                 *               "customerId": "cus_17",
                 *               "name": "John Doe",
                 *               "riskLevel": "high"
                 *             }
                 *           },
                 *           {
                 *             "id": "evt_01jd7c1p5q6r7s8t9v0w1x2y3z",
                 *             "type": "document.expired",
                 *             "createdAt": "2026-11-21T10:50:05.000Z",
                 *             "data": {
                 *               "customerId": "cus_17",
                 *               "document": "passport"
                 *             }
                 *           }
                 *         ]
                 *       }
                 *     }
                 */
                "application/json": {
                    /** @enum {string} */
                    type: "digest";
                    timestamp: string;
                    data: {
                        rule?: {
                            id?: string;
                            name?: string;
                        };
                        by?: string;
                        key?: string;
                        count?: number;
                        from?: string;
                        to?: string;
                        types?: {
                            "aml.match.found"?: number;
                            "document.expired"?: number;
                        };
                        events?: unknown[];
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
        };
        responses: {
            /** @description The receiver is gone: the destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered. Anything else is retried or, for some codes, refused for good. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onEmailUnsubscribed: {
        parameters: {
            query?: never;
            header: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                "webhook-id": string;
                /** @example 1795256100 */
                "webhook-timestamp": string;
                /** @example v1,CRjVmW4pZ86U1WnRY8AjMf5U5tg0/TpCg1ktBPDQ8Ro= */
                "webhook-signature": string;
                /** @example 1 */
                "Switchyard-Hops": string;
                /** @description Only on test events. */
                "Switchyard-Test"?: "true";
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "type": "email.unsubscribed",
                 *       "timestamp": "2026-11-21T10:15:00.000Z",
                 *       "data": {
                 *         "destinationId": "dst_01jd7b2m3nfq8v4x5y6z7a8b9d",
                 *         "name": "On call",
                 *         "channel": "email",
                 *         "address": "oncall@example.com",
                 *         "at": "2026-12-02T08:00:00.000Z"
                 *       }
                 *     }
                 */
                "application/json": {
                    /** @enum {string} */
                    type: "email.unsubscribed";
                    timestamp: string;
                    data: {
                        destinationId?: string;
                        name?: string;
                        channel?: string;
                        address?: string;
                        at?: string;
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
        };
        responses: {
            /** @description The receiver is gone: the destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered. Anything else is retried or, for some codes, refused for good. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onKeyRotated: {
        parameters: {
            query?: never;
            header: {
                /** @example evt_01jd7b6h2k4m5n6p7q8r9s0t1v */
                "webhook-id": string;
                /** @example 1795256100 */
                "webhook-timestamp": string;
                /** @example v1,rcWLkU5Z5lAG2b3iT21uUblDnHFbI084RVbzKYCwUh8= */
                "webhook-signature": string;
                /** @example 1 */
                "Switchyard-Hops": string;
                /** @description Only on test events. */
                "Switchyard-Test"?: "true";
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "type": "key.rotated",
                 *       "timestamp": "2026-11-21T10:15:00.000Z",
                 *       "data": {
                 *         "kind": "destination-secret",
                 *         "destinationId": "dst_01jd7b2m3nfq8v4x5y6z7a8b9c",
                 *         "name": "Case system",
                 *         "previousEndsAt": "2026-11-22T10:15:00.000Z",
                 *         "at": "2026-11-21T10:15:00.000Z"
                 *       }
                 *     }
                 */
                "application/json": {
                    /** @enum {string} */
                    type: "key.rotated";
                    timestamp: string;
                    data: {
                        kind?: string;
                        destinationId?: string;
                        name?: string;
                        previousEndsAt?: string;
                        at?: string;
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
        };
        responses: {
            /** @description The receiver is gone: the destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered. Anything else is retried or, for some codes, refused for good. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}
