/** The name without a leading "*.". Certificate authorities look for a wildcard's records at this name. Pure. */
export function withoutWildcard(name: string): string {
    return name.replace(/^\*\./, "");
}

/** The first of the names that is outside the zone. Pure. */
export function firstOutside(zone: string, names: readonly string[]): string | undefined {
    return names.find((name) => name !== zone && !name.endsWith(`.${zone}`));
}

/** Whether a certificate for the pattern covers the name. The pattern's first label may be a wildcard. Pure. */
export function covers(pattern: string, name: string): boolean {
    return pattern === name || (pattern.startsWith("*.") && name.slice(name.indexOf(".") + 1) === pattern.slice(2));
}
