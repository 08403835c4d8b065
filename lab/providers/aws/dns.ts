import { type CloudState, type DnsRecord, ZONE_ID } from "../../cloud/state.ts";
import { LAB_ZONE } from "../../lab.ts";
import type { CheckFailure } from "../provider.ts";
import type { Values } from "../property-values.ts";
import { model } from "./models.ts";
import { ApiError, type ResourceType, text } from "./resource-type.ts";
import { invalidSet } from "./rrset.ts";

export const RECORD_TYPES = ["A", "AAAA", "TXT", "CAA", "CNAME"] as const;

const NO_ALIAS = "the lab has no aliases";
const set = (member: string) =>
    model("route53", "ChangeResourceRecordSets", `ChangeBatch.Changes.ResourceRecordSet.${member}`);

export const record: ResourceType = {
    label: "Route53 Record",
    inputs: {
        zoneId: {
            kind: "string",
            required: true,
            forceNew: true,
            model: model("route53", "ChangeResourceRecordSets", "HostedZoneId"),
        },
        name: { kind: "string", required: true, forceNew: true, model: set("Name"), canonical: canonicalName },
        // The real provider changes the type in place and gives the record a new id. The engine does not allow that.
        type: { kind: "string", required: true, forceNew: true, model: set("Type"), invalid: knownType },
        ttl: { kind: "integer", needed: NO_ALIAS, model: set("TTL") },
        records: { kind: "set", needed: NO_ALIAS, model: set("ResourceRecords.Value") },
        allowOverwrite: { kind: "boolean", computed: true },
    },
    outputs: ["fqdn"],
    check: checkRecord,
    create({ state }, inputs) {
        const made = fromInputs(inputs);
        const id = recordId(made);
        refuseInvalid(state, made);
        if (state.records[id] && inputs.allowOverwrite !== true) {
            throw new ApiError(
                "InvalidChangeBatch",
                `[Tried to create resource record set [name='${made.name}.', type='${made.type}'] but it already exists]`,
            );
        }
        state.records[id] = made;
        return id;
    },
    async update(change, id, news) {
        await change(({ state }) => {
            const made = fromInputs(news);
            refuseInvalid(state, made);
            state.records[id] = made;
        });
    },
    async remove(change, id) {
        await change(({ state }) => void delete state.records[id]);
    },
    describe({ state }, id) {
        const found = state.records[id];
        return found && { fqdn: found.name, type: found.type, ttl: found.ttl, records: found.values };
    },
};

/** The name in lower case without the final dot, as the state and Route 53 keep it. */
export function canonicalName(name: string): string {
    return name.toLowerCase().replace(/\.$/, "");
}

function fromInputs(inputs: Values): DnsRecord {
    const zoneId = text(inputs, "zoneId");
    if (zoneId !== ZONE_ID) throw new ApiError("NoSuchHostedZone", `No hosted zone found with ID: ${zoneId}`);
    const name = fullName(text(inputs, "name"));
    const values = [...(inputs.records as string[])];
    return { name, type: text(inputs, "type") as DnsRecord["type"], ttl: inputs.ttl as number, values };
}

/**
 * Appends the zone to a single label, as the real provider does. The provider also appends it to a name of another
 * domain. The lab refuses such a name instead of publishing "host.example.com.example.test".
 */
function fullName(given: string): string {
    const name = canonicalName(given);
    return name.includes(".") ? name : `${name}.${LAB_ZONE}`;
}

function refuseInvalid({ records }: CloudState, made: DnsRecord): void {
    const reason = invalidSet(made, Object.values(records));
    if (reason) throw new ApiError("InvalidChangeBatch", `[${reason}]`);
}

export function recordId({ name, type }: DnsRecord): string {
    return `${ZONE_ID}_${name}_${type}`;
}

function checkRecord({ records }: Values): CheckFailure[] {
    const isEmpty = Array.isArray(records) && records.length === 0;
    return isEmpty ? [{ property: "records", reason: "at least one value is needed" }] : [];
}

function knownType(value: string): string | undefined {
    const known: readonly string[] = RECORD_TYPES;
    return known.includes(value) ? undefined : `the lab has records of ${known.join(", ")} only, not ${value}`;
}
