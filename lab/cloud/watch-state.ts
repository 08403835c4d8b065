/** A CloudWatch alarm of one metric. */
export interface Alarm {
    name: string;
    region: string;
    namespace: string;
    metricName: string;
    dimensions: Record<string, string>;
    statistic: string;
    /** Seconds. */
    period: number;
    evaluationPeriods: number;
    comparisonOperator: string;
    threshold: number;
    treatMissingData: string;
    alarmActions: string[];
    okActions: string[];
}

export interface HealthCheck {
    id: string;
    type: "HTTPS" | "TCP";
    ipAddress: string;
    port: number;
}

export interface Datapoint {
    value: number;
    /** ISO 8601. */
    time: string;
}

/** The key of a metric in the state. */
export function metricKey({
    namespace,
    metricName,
    dimensions,
}: Pick<Alarm, "namespace" | "metricName" | "dimensions">) {
    const sorted = Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1));
    return [namespace, metricName, ...sorted.map(([name, value]) => `${name}=${value}`)].join(" ");
}
