/** How FerretDB is to run. */
export interface FerretdbOptions {
    address: string;
    port: number;
    certificateFile: string;
    keyFile: string;
    /** Directory of its data. */
    data: string;
    user: string;
    password: string;
}

/** The database of the connection string, and of its user. */
export const DATABASE = "linkmesh";

/** The command and environment of a FerretDB that takes TLS connections of one user alone. */
export function ferretdbCommand(
    program: string,
    options: FerretdbOptions,
): { argv: string[]; env: Record<string, string> } {
    const { address, port, certificateFile, keyFile, data, user, password } = options;
    return {
        argv: [
            program,
            "--handler=sqlite",
            `--sqlite-url=file:${data}/`,
            `--state-dir=${data}`,
            // No listener without TLS, none for profiles, and no reports to its makers.
            "--listen-addr=",
            "--debug-addr=-",
            "--telemetry=disable",
            `--listen-tls=${address}:${port}`,
            `--listen-tls-cert-file=${certificateFile}`,
            `--listen-tls-key-file=${keyFile}`,
            // What it calls new is SCRAM, the only authentication with SQLite.
            "--test-enable-new-auth",
            `--setup-database=${DATABASE}`,
            `--setup-username=${user}`,
        ],
        // Not in the command, which every user of the machine can read.
        env: { FERRETDB_SETUP_PASSWORD: password },
    };
}

/** A connection string that an installed file with the server's CA completes. */
export function connectionString(
    { host, port, user, password }: { host: string; port: number; user: string; password: string },
    caFile: string,
): string {
    const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
    return `mongodb://${login}@${host}:${port}/${DATABASE}?tls=true&tlsCAFile=${encodeURIComponent(caFile)}`;
}
