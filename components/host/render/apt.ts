/** An APT source without the login in its URL, for a file that everybody on the machine may read. Pure. */
export function aptSource(source: string): string {
    return source.replace(/^(https?:\/\/)[^/ ]*@/, "$1");
}

/** The login in the URL of an APT source as a line of apt's auth.conf; empty when there is none. Pure. */
export function aptLogin(source: string): string {
    const [address = ""] = source.split(" ");
    if (aptSource(source) === source) return "";
    const { protocol, host, pathname, username, password } = new URL(address);
    const word = (name: string, value: string) => (value === "" ? "" : ` ${name} ${decodeURIComponent(value)}`);
    return `machine ${protocol}//${host}${pathname}${word("login", username)}${word("password", password)}\n`;
}
