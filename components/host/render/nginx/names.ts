/** What fits into nginx's hash of server names by itself: 64 bytes, without the entry's own fields. */
const HASHED = 46;

/**
 * A name for `server_name`. nginx takes a longer one only with another `server_names_hash_bucket_size`, which another
 * file may have set already, and twice is an error; a regular expression is in no hash. Short names stay exact, since a
 * wildcard of another site would win over the expression.
 */
export function serverName(name: string): string {
    return name.length <= HASHED ? name : `~${nameExpression(name)}`;
}

/** A regular expression that is this name alone, for a key of any length. A `map` compares its case as well without "~*". */
export function nameExpression(name: string): string {
    return `^${name.replaceAll(".", "\\.")}$`;
}
