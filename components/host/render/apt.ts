/** An APT source without the login in its URL, because every user of the machine can read sources.list files. Pure. */
export function aptSource(source: string): string {
    return source.replace(/^(https?:\/\/)[^/ ]*@/, "$1");
}

/** The login in the URL of an APT source, as a line of apt's auth.conf; empty without a login. Pure. */
export function aptLogin(source: string): string {
    const [address = ""] = source.split(" ");
    if (aptSource(source) === source) return "";
    const { protocol, host, pathname, username, password } = new URL(address);
    const entry = (name: string, value: string) => (value === "" ? "" : ` ${name} ${decodeURIComponent(value)}`);
    return `machine ${protocol}//${host}${pathname}${entry("login", username)}${entry("password", password)}\n`;
}
