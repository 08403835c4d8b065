/** A sentence for each condition that does not hold. */
export function violations(rules: readonly (readonly [holds: boolean, sentence: string])[]): string[] {
    return rules.filter(([holds]) => !holds).map(([, sentence]) => sentence);
}
