import { createHmac, timingSafeEqual } from "node:crypto";

/** A role that a machine has assumed. */
export interface Session {
    role: string;
    instanceId: string;
    /** Milliseconds since 1970. */
    expires: number;
}

export interface Credentials {
    accessKeyId: string;
    secretAccessKey: string;
    token: string;
}

/** Temporary credentials. The signed token holds all about them, so nothing is stored. */
export class Sessions {
    readonly #key: string;

    constructor(key: string) {
        this.#key = key;
    }

    issue(session: Session): Credentials {
        return this.#credentials(this.seal(session));
    }

    /** The session of an access key and its token. Undefined if they were not issued here or do not match. */
    open(accessKeyId: string, token: string): { session: Session; secretAccessKey: string } | undefined {
        const session = this.unseal(token) as Session | undefined;
        const credentials = this.#credentials(token);
        if (!session?.role || credentials.accessKeyId !== accessKeyId) return undefined;
        return { session, secretAccessKey: credentials.secretAccessKey };
    }

    /** Makes a token from which {@link unseal} returns the same value. */
    seal(value: object): string {
        const text = Buffer.from(JSON.stringify(value)).toString("base64url");
        return `${text}.${this.#derive("token", text).toString("base64url")}`;
    }

    /** The value of a token. Undefined if it was not sealed here. */
    unseal(token: string): unknown {
        const [text = "", seal = ""] = token.split(".");
        const given = Buffer.from(seal, "base64url");
        const expected = this.#derive("token", text);
        if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
        return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    }

    #credentials(token: string): Credentials {
        const id = this.#derive("id", token).toString("hex").toUpperCase();
        const secret = this.#derive("secret", token).toString("base64url");
        return { accessKeyId: `ASIA${id.slice(0, 16)}`, secretAccessKey: secret.slice(0, 40), token };
    }

    #derive(purpose: string, text: string): Buffer {
        return createHmac("sha256", this.#key).update(`${purpose} ${text}`).digest();
    }
}
