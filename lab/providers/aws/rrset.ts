import { isIPv4, isIPv6 } from "node:net";
import type { DnsRecord } from "../../cloud/state.ts";
import { LAB_ZONE } from "../../lab.ts";

/** What is wrong with a name or a value: Route 53's code, its reason, and the text at fault. */
interface Fault {
    code: string;
    reason: string;
    found: string;
}

/** Route 53's reason for an InvalidChangeBatch: why the zone cannot hold this set beside the others. Pure. */
export function invalidSet(record: DnsRecord, others: DnsRecord[]): string | undefined {
    return wrongName(record) ?? wrongCompany(record, others) ?? firstWrong(record);
}

function wrongName({ name }: DnsRecord): string | undefined {
    if (name !== LAB_ZONE && !name.endsWith(`.${LAB_ZONE}`)) {
        return `RRSet with DNS name ${name}. is not permitted in zone ${LAB_ZONE}.`;
    }
    return fatal(wrongDomain(name));
}

/**
 * `*` is a wildcard only as the first label; Route 53 writes it in octal. Route 53 also accepts other characters in
 * octal. The lab does not, because its name server reads them as decimal.
 */
export function wrongDomain(name: string): Fault | undefined {
    if (name.length > 255) return fault("DomainNameTooLong", "Domain name is too long", name);
    for (const label of name.replace(/^(\*|\\052)\./, "").split(".")) {
        if (label === "") return fault("DomainLabelEmpty", "Domain label is empty", name);
        const [odd] = /[^a-z0-9_-]/.exec(label) ?? [];
        if (odd !== undefined) return fault("UnsupportedCharacter", "Value contains unsupported characters", odd);
        if (label.length > 63) return fault("DomainLabelTooLong", "Domain label is too long", label);
    }
    return undefined;
}

/** A name with a CNAME has no other records, and the zone's apex has no CNAME. */
function wrongCompany({ name, type, values }: DnsRecord, others: DnsRecord[]): string | undefined {
    const set = `RRSet of type ${type} with DNS name ${name}.`;
    const company = others.filter((other) => other.name === name && other.type !== type);
    if (type !== "CNAME") {
        if (!company.some((other) => other.type === "CNAME")) return undefined;
        return `${set} is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists in zone ${LAB_ZONE}.`;
    }
    if (name === LAB_ZONE) return `${set} is not permitted at apex in zone ${LAB_ZONE}.`;
    if (company.length > 0) {
        return `${set} is not permitted as it conflicts with other records with the same DNS name in zone ${LAB_ZONE}.`;
    }
    return values.length > 1 ? `${set} in zone ${LAB_ZONE}. has ${values.length} values: a CNAME has one` : undefined;
}

function firstWrong({ type, values }: DnsRecord): string | undefined {
    if (new Set(values).size < values.length) return `Duplicate Resource Record: '${values.join(", ")}'`;
    const reason = values.map((value) => wrongValue(type, value)).find((found) => found !== undefined);
    return reason && `Invalid Resource Record: ${fatal(reason)}`;
}

/** Route 53's reason against one value. */
export function wrongValue(type: DnsRecord["type"], value: string): Fault | undefined {
    switch (type) {
        case "A":
            return isIPv4(value)
                ? undefined
                : fault("ARRDATAIllegalIPv4Address", "Value is not a valid IPv4 address", value);
        case "AAAA":
            return isIPv6(value) && !value.includes("%")
                ? undefined
                : fault("AAAARRDATAIllegalIPv6Address", "Value is not a valid IPv6 address", value);
        case "CNAME":
            return wrongDomain(value.toLowerCase().replace(/\.$/, ""));
        case "CAA":
            return wrongCaa(value);
        case "TXT":
            return wrongText(value);
    }
}

function wrongCaa(value: string): Fault | undefined {
    const [, flags = "", tag = "", text] = /^(\S+) (\S+) "([\x20-\x7e]*)"$/.exec(value) ?? [];
    const form = '0 issue "letsencrypt.org"';
    if (text === undefined) return fault("CAARRDATAIllegalFormat", `Value is not of the form ${form}`, value);
    if (!/^\d{1,3}$/.test(flags) || Number(flags) > 255) {
        return fault("CAARRDATAIllegalFlags", "Flags are not a number from 0 to 255", value);
    }
    if (!/^[a-zA-Z0-9]{1,15}$/.test(tag)) {
        return fault("CAARRDATAIllegalTag", "Tag is not 1 to 15 letters and digits", value);
    }
    return text.length > 255 || /["\\]/.test(text)
        ? fault("CAARRDATAIllegalValue", "Value is not a text of at most 255 characters", value)
        : undefined;
}

/** A TXT value is one text, or several in quotation marks. */
function wrongText(value: string): Fault | undefined {
    const quoted = value.startsWith('"');
    if (quoted && !/^"([^"\\]|\\["\\])*"( +"([^"\\]|\\["\\])*")*$/.test(value)) {
        return fault("InvalidCharacterString", "Value should be enclosed in quotation marks", value);
    }
    const [odd] = /[^\x20-\x7e]/u.exec(value) ?? [];
    if (odd !== undefined) return fault("UnsupportedCharacter", "Value contains unsupported characters", odd);
    const texts = quoted ? value.match(/"([^"\\]|\\.)*"/g)!.map((text) => text.slice(1, -1)) : [value];
    const tooLong = texts.some((text) => text.replace(/\\./g, "_").length > 255);
    return tooLong ? fault("CharacterStringTooLong", "Value is too long", value) : undefined;
}

function fault(code: string, reason: string, found: string): Fault {
    return { code, reason, found };
}

function fatal(wrong: Fault | undefined): string | undefined {
    return wrong && `FATAL problem: ${wrong.code} (${wrong.reason}) encountered with '${wrong.found}'`;
}
