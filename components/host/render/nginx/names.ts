/** The longest name in nginx's hash of server names by default: a bucket of 64 bytes without the entry's other fields. */
const MAX_HASHED_LENGTH = 46;

/**
 * A name for `server_name`. A long one needs a larger `server_names_hash_bucket_size`, but another file may have set that
 * already, and nginx refuses to set it twice. A regular expression is in no hash. Short names stay exact, because a wildcard
 * of another site takes precedence over a regular expression.
 */
export function serverName(name: string): string {
    return name.length <= MAX_HASHED_LENGTH ? name : `~${nameExpression(name)}`;
}

/** A regular expression that matches only this name, of any length. In a `map`, it is case-sensitive unless "~*" precedes it. */
export function nameExpression(name: string): string {
    return `^${name.replaceAll(".", "\\.")}$`;
}
