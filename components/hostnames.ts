/** The name itself, or the one that a wildcard stands below: where a certificate authority looks for records. Pure. */
export function withoutWildcard(name: string): string {
    return name.replace(/^\*\./, "");
}

/** The first name that lies outside a zone. Pure. */
export function firstOutside(zone: string, names: readonly string[]): string | undefined {
    return names.find((name) => name !== zone && !name.endsWith(`.${zone}`));
}

/** True when the name is one of the pattern's, which may have a wildcard in place of its first label. Pure. */
export function covers(pattern: string, name: string): boolean {
    return pattern === name || (pattern.startsWith("*.") && name.slice(name.indexOf(".") + 1) === pattern.slice(2));
}
