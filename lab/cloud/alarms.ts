import { NAMESPACE } from "../../components/metrics.ts";
import type { CloudState } from "./state.ts";
import { type Alarm, metricKey } from "./watch-state.ts";

/** Whether an alarm rings. The lab judges the alarms of what machines report; it measures nothing itself. */
export interface Judgement {
    name: string;
    state: "OK" | "ALARM" | "not judged";
    reason: string;
}

/**
 * What CloudWatch would make of each alarm if the last value stayed: the lab keeps no earlier ones. A value counts for as
 * long as the alarm looks back.
 */
export function judgeAlarms({ alarms, metrics }: CloudState, now = Date.now()): Judgement[] {
    return Object.values(alarms).map((alarm) => {
        const { name, namespace, threshold, period, evaluationPeriods } = alarm;
        if (namespace !== NAMESPACE) return { name, state: "not judged", reason: `the lab measures no ${namespace}` };
        const last = metrics[metricKey(alarm)];
        const age = last && (now - Date.parse(last.time)) / 1000;
        if (!last || age! > period * evaluationPeriods) return { name, ...unreported(alarm) };
        const rings =
            alarm.comparisonOperator === "LessThanThreshold" ? last.value < threshold : last.value >= threshold;
        return { name, state: rings ? "ALARM" : "OK", reason: `${alarm.metricName} is ${last.value}` };
    });
}

function unreported({ treatMissingData, period, evaluationPeriods }: Alarm): Omit<Judgement, "name"> {
    const reason = `nothing was reported for ${(period * evaluationPeriods) / 60} minutes`;
    return { state: treatMissingData === "breaching" ? "ALARM" : "OK", reason };
}
