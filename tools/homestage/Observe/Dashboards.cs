namespace HomeStage.Tool.Observe;

/// <summary>The dashboards: the business, whose fault it is, and one for each service.</summary>
internal static class Dashboards
{
    public static IReadOnlyList<Dashboard> All { get; } =
    [
        Business(),
        Whose(),
        new("gateway", "gateway",
        [
            .. Golden("gateway"),
            new("Requests over a limit", "reqps", ("sum by (reason) (rate(homestage_gateway_security_events_total{event=\"rate_limited\"}[5m]))", "{{reason}}")),
            new("Answers of the limiter", "reqps", ("sum by (outcome) (rate(homestage_gateway_limit_decisions_total[5m]))", "{{outcome}}")),
            new("Refused for safety", "reqps", ("sum by (event) (rate(homestage_gateway_security_events_total[5m]))", "{{event}}")),
            new("Sessions, sign-ins, refusals by country", "short", ("sum by (country) (increase(homestage_gateway_identities_total[1h]))", "{{country}}")),
            new("Refused credentials of the worst address", "short", ("sum(homestage_gateway_refused_credentials_worst_address)", "in a minute")),
            new("Upstreams that did not answer", "reqps", ("sum by (upstream, error) (rate(homestage_gateway_upstream_failures_total[5m]))", "{{upstream}} {{error}}")),
            new("Connections", "short", ("sum by (instance) (kestrel_active_connections{job=\"gateway\"})", "{{instance}}")),
            Panel.Number("Days left of the certificate", "short", "(min(homestage_gateway_certificate_expiry_timestamp_seconds) - time()) / 86400"),
            .. Process("gateway"),
        ]),
        new("billing", "billing",
        [
            .. Golden("billing"),
            new("Events of Stripe", "reqps", ("sum by (outcome) (rate(homestage_billing_stripe_events_total[5m]))", "{{outcome}}")),
            new("Webhooks refused", "reqps", ("sum by (reason) (rate(homestage_billing_webhook_refused_total[5m]))", "{{reason}}")),
            new("Events that wait", "short", ("max(homestage_billing_waiting_events)", "stored"), ("max(homestage_billing_arriving_events)", "arriving")),
            new("Events that only the reconciliation found", "short", ("sum(increase(homestage_billing_missed_events_total[1h]))", "in an hour")),
            new("Anomalies", "short", ("sum by (reason) (increase(homestage_billing_payment_anomalies_total[1h]))", "{{reason}}")),
            .. Database("billing"),
            .. Messages("billing"),
            .. Process("billing"),
        ]),
        new("entitlements", "entitlements",
        [
            .. Golden("entitlements"),
            new("Holds", "reqps", ("sum by (result, free) (rate(homestage_holds_total[5m]))", "{{result}}, free: {{free}}")),
            new("Settlements", "reqps", ("sum by (result) (rate(homestage_settlements_total[5m]))", "{{result}}")),
            Panel.Number("Rows that break a rule of the ledger", "short", "max(homestage_ledger_violations)"),
            new("Holds that wait for their account", "short", ("sum(homestage_holds_waiting)", "waiting")),
            new("Support", "short", ("sum by (action) (increase(homestage_support_actions_total[1h]))", "{{action}}"), ("sum(increase(homestage_support_refused_total[1h]))", "refused")),
            .. Database("entitlements"),
            .. Messages("entitlements"),
            .. Process("entitlements"),
        ]),
        new("staging-api", "staging-api",
        [
            .. Golden("staging-api"),
            new("Jobs that have not ended", "short", ("max by (status) (homestage_stagings_open)", "{{status}}")),
            new("Age of the oldest", "s", ("max by (status) (homestage_stagings_oldest_age_seconds)", "{{status}}")),
            new("From queued to claimed", "s", (Quantile("0.95", "homestage_stagings_wait_seconds"), "p95"), (Quantile("0.5", "homestage_stagings_wait_seconds"), "p50")),
            new("Attempts", "reqps", ("sum by (outcome) (rate(homestage_attempts_ended_total[5m]))", "{{outcome}}")),
            new("Open streams", "short", ("sum by (instance) (homestage_streams_open)", "{{instance}}")),
            new("Photos", "reqps", ("sum by (verdict) (rate(homestage_photos_total[5m]))", "{{verdict}}")),
            new("Kept for its time and removed", "short", ("sum by (kind) (increase(homestage_retention_removed_total[1h]))", "{{kind}}")),
            new("Disk under the blobs", "percentunit", ("1 - min by (folder) (homestage_disk_free_bytes / homestage_disk_size_bytes)", "{{folder}}")),
            new("Webhooks to customers", "reqps", ("sum by (outcome) (rate(homestage_webhooks_attempts_total[5m]))", "{{outcome}}")),
            new("Webhooks that are due", "s", ("max(homestage_webhooks_due_oldest_age_seconds)", "the oldest")),
            .. Database("staging-api"),
            .. Messages("staging-api"),
            .. Process("staging-api"),
        ]),
        new("staging-worker", "staging-worker",
        [
            new("Work that waits", "short", ("max(homestage_messaging_queue_depth{queue=\"staging-worker.stage-room\"})", "messages")),
            new("Consumers", "short", ("max(homestage_messaging_queue_consumers{queue=\"staging-worker.stage-room\"})", "consumers")),
            new("Calls under way", "short", ("sum by (instance) (homestage_worker_provider_in_flight)", "{{instance}}")),
            new("Attempts", "reqps", ("sum by (outcome) (rate(homestage_worker_attempts_total[5m]))", "{{outcome}}")),
            new("Leases that ended too early", "reqps", ("sum by (reason) (rate(homestage_worker_leases_ended_total[5m]))", "{{reason}}")),
            new("OpenAI's time", "s", (Quantile("0.95", "homestage_worker_provider_duration_seconds"), "p95"), (Quantile("0.5", "homestage_worker_provider_duration_seconds"), "p50")),
            new("OpenAI's cost in an hour", "currencyUSD", ("sum(increase(homestage_worker_provider_cost_total[1h]))", "pictures"), ("sum(increase(homestage_worker_layout_cost_total[1h]))", "layouts")),
            new("Layouts", "short", ("sum by (outcome) (increase(homestage_worker_layouts_total[1h]))", "{{outcome}}")),
            new("Pauses", "short", ("max by (code) (homestage_worker_provider_paused)", "{{code}}"), ("sum by (code) (increase(homestage_worker_provider_pauses_total[1h]))", "{{code}} in an hour")),
            .. Messages("staging-worker"),
            .. Process("staging-worker"),
        ]),
    ];

    private static Dashboard Business() => new("business", "the business",
        Panel.Number("Payments today", "short", "sum(increase(homestage_billing_payments_total[24h]))"),
        Panel.Number("Pictures delivered today", "short", "sum(increase(homestage_worker_pictures_total[24h]))"),
        Panel.Number("OpenAI's cost today", "currencyUSD", "sum(increase(homestage_worker_provider_cost_total[24h])) + sum(increase(homestage_worker_layout_cost_total[24h]))"),
        new("Payments by plan", "short", ("sum by (plan) (increase(homestage_billing_payments_total[1h]))", "{{plan}}")),
        new("Checkouts", "short", ("sum by (outcome) (increase(homestage_billing_checkouts_total[1h]))", "{{outcome}}")),
        new("Refunds, disputes, warnings of fraud", "short", ("sum(increase(homestage_billing_payment_adjustments_total[1h]))", "adjusted"), ("sum(increase(homestage_billing_fraud_warnings_total[1h]))", "warned")),
        new("Credits", "short",
            ("sum(increase(homestage_credits_granted_total[1h]))", "granted"),
            ("sum(increase(homestage_credits_captured_total[1h]))", "used"),
            ("sum(increase(homestage_credits_expired_total[1h]))", "expired"),
            ("sum(increase(homestage_credits_revoked_total[1h]))", "revoked"),
            ("sum(increase(homestage_credits_restored_total[1h]))", "restored")),
        new("Credits held for jobs", "short", ("sum(increase(homestage_credits_held_total[1h]))", "held"), ("sum(increase(homestage_credits_released_total[1h]))", "given back")),
        new("Free stagings", "short", ("sum by (result) (increase(homestage_holds_total{free=\"true\"}[1h]))", "{{result}}")),
        new("Submissions", "short", ("sum by (answer) (increase(homestage_stagings_submitted_total[1h]))", "{{answer}}")),
        new("Jobs that ended", "short", ("sum by (outcome) (increase(homestage_stagings_ended_total[1h]))", "{{outcome}}")),
        new("Time to a picture", "s", (Quantile("0.95", "homestage_stagings_duration_seconds"), "p95"), (Quantile("0.5", "homestage_stagings_duration_seconds"), "p50")));

    /// <summary>Left to right: we, OpenAI, Stripe.</summary>
    private static Dashboard Whose() => new("whose-fault", "is it us, OpenAI or Stripe?",
        new("Us: 5xx of the gateway", "percentunit", ("sum(rate(http_server_request_duration_seconds_count{job=\"gateway\",http_response_status_code=~\"5..\"}[5m])) / sum(rate(http_server_request_duration_seconds_count{job=\"gateway\"}[5m]))", "5xx")),
        new("OpenAI: calls that fail", "percentunit", ("sum(rate(homestage_worker_provider_duration_seconds_count{succeeded=\"false\"}[5m])) / sum(rate(homestage_worker_provider_duration_seconds_count[5m]))", "failed")),
        new("Stripe: calls that fail", "percentunit", ("sum(rate(homestage_billing_stripe_duration_seconds_count{outcome=~\"5..|401|403|429|timeout|unreachable|failed\"}[5m])) / sum(rate(homestage_billing_stripe_duration_seconds_count[5m]))", "failed")),
        new("Us: database and broker", "short", ("sum by (job, sweep) (increase(homestage_sweeps_failures_total{sweep=~\"outbox_sample|queue_sample\"}[5m]))", "{{job}} {{sweep}}"), ("sum by (job) (increase(homestage_redis_failures_total[5m]))", "{{job}} redis")),
        new("OpenAI: time", "s", (Quantile("0.95", "homestage_worker_provider_duration_seconds"), "p95"), (Quantile("0.5", "homestage_worker_provider_duration_seconds"), "p50")),
        new("Stripe: time", "s", (Quantile("0.95", "homestage_billing_stripe_duration_seconds"), "p95"), (Quantile("0.5", "homestage_billing_stripe_duration_seconds"), "p50")),
        new("Us: lag of the outbox", "s", (Quantile("0.99", "homestage_outbox_lag_seconds"), "p99")),
        new("OpenAI: pauses", "short", ("max by (code) (homestage_worker_provider_paused)", "{{code}}")),
        new("Stripe: webhooks", "reqps", ("sum by (outcome) (rate(homestage_billing_stripe_events_total[5m]))", "{{outcome}}"), ("sum by (reason) (rate(homestage_billing_webhook_refused_total[5m]))", "{{reason}}")),
        new("Us: error budgets, as multiples", "short", ("homestage:slo_errors:ratio_rate1h / on (slo) homestage:slo_budget", "{{slo}}")),
        new("OpenAI: what failed", "reqps", ("sum by (outcome) (rate(homestage_attempts_ended_total{outcome=~\"provider_.*\"}[5m]))", "{{outcome}}")),
        new("Stripe: events that webhooks did not bring", "short", ("sum(increase(homestage_billing_missed_events_total[1h]))", "in an hour")));

    private static IEnumerable<Panel> Golden(string job) =>
    [
        new("Requests by route", "reqps", ($"sum by (http_route) (rate(http_server_request_duration_seconds_count{{job=\"{job}\"}}[5m]))", "{{http_route}}")),
        new("5xx by route", "reqps", ($"sum by (http_route) (rate(http_server_request_duration_seconds_count{{job=\"{job}\",http_response_status_code=~\"5..\"}}[5m]))", "{{http_route}}")),
        new("p95 by route", "s", ($"histogram_quantile(0.95, sum by (le, http_route) (rate(http_server_request_duration_seconds_bucket{{job=\"{job}\"}}[5m])))", "{{http_route}}")),
    ];

    private static IEnumerable<Panel> Database(string job) =>
    [
        new("Statements", "s", ($"histogram_quantile(0.95, sum by (le) (rate(db_client_operation_duration_seconds_bucket{{job=\"{job}\"}}[5m])))", "p95")),
        new("Statements that fail", "reqps", ($"sum(rate(db_client_operation_failed_total{{job=\"{job}\"}}[5m]))", "failed")),
        new("Pool", "percentunit", ($"sum by (instance) (db_client_connection_count{{job=\"{job}\",db_client_connection_state=\"used\"}}) / max by (instance) (db_client_connection_max{{job=\"{job}\"}})", "{{instance}}")),
        new("Outbox", "short", ($"max(homestage_outbox_pending{{job=\"{job}\"}})", "messages"), ($"max(homestage_outbox_oldest_age_seconds{{job=\"{job}\"}})", "age of the oldest, s")),
    ];

    private static IEnumerable<Panel> Messages(string job) =>
    [
        new("Messages consumed", "reqps", ($"sum by (messaging_masstransit_message_type) (rate(messaging_masstransit_consume_total{{job=\"{job}\"}}[5m]))", "{{messaging_masstransit_message_type}}")),
        new("Queues", "short", ($"max by (queue) (homestage_messaging_queue_depth{{job=\"{job}\"}})", "{{queue}}")),
        new("Dead letters", "short", ($"max by (queue) (homestage_messaging_queue_dead_letters{{job=\"{job}\"}})", "{{queue}}"), ($"sum by (queue) (increase(homestage_messaging_dead_lettered_total{{job=\"{job}\"}}[1h]))", "{{queue}} in an hour")),
    ];

    private static IEnumerable<Panel> Process(string job) =>
    [
        new("Processors", "percentunit", ($"sum by (instance) (rate(dotnet_process_cpu_time_seconds_total{{job=\"{job}\"}}[5m])) / max by (instance) (dotnet_process_cpu_count{{job=\"{job}\"}})", "{{instance}}")),
        new("Memory", "bytes", ($"max by (instance) (dotnet_process_memory_working_set_bytes{{job=\"{job}\"}})", "{{instance}}"), ($"max(homestage_process_memory_limit_bytes{{job=\"{job}\"}})", "limit")),
        new("Recurring work: time since it succeeded", "s", ($"time() - max by (sweep) (homestage_sweeps_last_success_timestamp_seconds{{job=\"{job}\"}})", "{{sweep}}")),
    ];

    private static string Quantile(string quantile, string histogram) => $"histogram_quantile({quantile}, sum by (le) (rate({histogram}_bucket[5m])))";
}
