import { type Value, asText, isMap } from "../property-values.ts";

export type Service = "ec2" | "iam" | "dlm" | "route53" | "cloudwatch" | "sns" | "elbv2" | "acm";

/** A model's limits for a member: the length of a text, the range of a number, the size of a list or map. */
export interface Constraint {
    enum?: string[];
    min?: number;
    max?: number;
    /** A regular expression for the whole text. */
    pattern?: string;
    required?: true;
    /** Limits of each item of a list. */
    item?: Constraint;
    /** Limits of a tag's key. */
    key?: Constraint;
    value?: Constraint;
}

/** Constraints by service, then by operation and member, as "CreateRole.Path". */
export type Models = Record<Service, Record<string, Constraint>>;

/** Why a value breaks a constraint, in the provider's words. `path` is as "rootBlockDevice.iops". */
export function violation(constraint: Constraint, value: Value, path: string): string | undefined {
    const name = providerName(path);
    const { min = 0, max = Infinity } = constraint;
    if (Array.isArray(value)) {
        const item = constraint.item ?? (value.every(isMap) ? {} : constraint);
        const count = constraint.item ? wrongCount(constraint, value.length, name) : undefined;
        return count ?? first(value.map((one, index) => [item, one, `${path}[${index}]`]));
    }
    if (isMap(value)) {
        const { key = {}, value: held = {} } = constraint;
        const tags = Object.entries(value).flatMap<[Constraint, Value, string]>(([tag, text]) => [
            [key, tag, path],
            [held, text, `${path}.${tag}`],
        ]);
        return wrongCount(constraint, Object.keys(value).length, name) ?? first(tags);
    }
    if (typeof value === "number") {
        return value >= min && value <= max
            ? undefined
            : `expected ${name} to be in the range (${min} - ${max}), got ${value}`;
    }
    const text = asText(value);
    if (constraint.enum && !constraint.enum.includes(text)) {
        const known = constraint.enum.map((one) => JSON.stringify(one)).join(" ");
        return `expected ${name} to be one of [${known}], got ${text}`;
    }
    if (text.length < min || text.length > max) {
        return `expected length of ${name} to be in the range (${min} - ${max}), got ${text}`;
    }
    const { pattern } = constraint;
    const matches = pattern === undefined || new RegExp(`^(?:${pattern})$`, "u").test(text);
    return matches ? undefined : `invalid value for ${name} (must match ${pattern}): ${text}`;
}

function first(checks: [Constraint, Value, string][]): string | undefined {
    for (const check of checks) {
        const reason = violation(...check);
        if (reason !== undefined) return reason;
    }
    return undefined;
}

function wrongCount({ min = 0, max = Infinity }: Constraint, count: number, name: string): string | undefined {
    if (count > max) return `Attribute ${name} supports ${max} item maximum, but config has ${count} declared.`;
    return count < min
        ? `Attribute ${name} requires ${min} item minimum, but config has only ${count} declared.`
        : undefined;
}

/** The provider calls "rootBlockDevice.volumeType" "root_block_device.0.volume_type", because its blocks are lists. */
function providerName(path: string): string {
    return path
        .replace(/\[(\d+)\]/g, ".$1")
        .replace(/(?<![\d.])\.(?=[a-z])/g, ".0.")
        .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
