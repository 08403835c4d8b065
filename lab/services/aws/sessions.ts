import { createHmac, timingSafeEqual } from "node:crypto";

/** A role taken by a machine. */
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

/** Temporary credentials. All about them is in the token, which is signed: nothing needs to be remembered of them. */
export class Sessions {
    readonly #key: string;

    constructor(key: string) {
        this.#key = key;
    }

    issue(session: Session): Credentials {
        return this.#credentials(this.seal(session));
    }

    /** The session of an access key and its token; undefined when they are not ours or do not belong together. */
    open(accessKeyId: string, token: string): { session: Session; secretAccessKey: string } | undefined {
        const session = this.unseal(token) as Session | undefined;
        const credentials = this.#credentials(token);
        if (!session?.role || credentials.accessKeyId !== accessKeyId) return undefined;
        return { session, secretAccessKey: credentials.secretAccessKey };
    }

    /** A token from which {@link unseal} gets the same value back. */
    seal(value: object): string {
        const text = Buffer.from(JSON.stringify(value)).toString("base64url");
        return `${text}.${this.#derive("token", text).toString("base64url")}`;
    }

    /** Undefined for what was not sealed here. */
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
