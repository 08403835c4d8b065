import { Secret } from "../../components/settings/secret.ts";

export const SUM = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
/** Settings without which there is nothing. */
export const GOOD = {
    domain: "linkmesh.example.com",
    sshAllowedCidrs: ["198.51.100.7/32"],
    linkmeshDebUrl: "https://packages.example.com/linkmesh-server.deb",
    linkmeshDebSha256: SUM,
};
export const APT = {
    linkmeshDebUrl: "",
    linkmeshDebSha256: "",
    linkmeshAptKey: "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n-----END PGP PUBLIC KEY BLOCK-----",
    linkmeshVersion: "1.101.0",
};

/** A value, taken out of its secret. */
export function opened(value: unknown): unknown {
    if (!(value instanceof Secret)) return value;
    let inner: unknown;
    value.map((one: unknown) => (inner = one));
    return inner;
}
