import { createHash } from "node:crypto";
import type { Settings } from "../settings.ts";

/** The tag of the data volume that tells which key logs in: the next preview sees by it that another one is set. */
export const LOGIN_TAG = "linkmesh-proxy-login-key";

/** Value of {@link LOGIN_TAG}: the key's fingerprint as ssh-keygen -l shows it, or "generated". Pure. */
export function loginKeyName({ sshPublicKey }: Pick<Settings, "sshPublicKey">): string {
    const [, blob] = sshPublicKey.split(" ");
    if (blob === undefined) return "generated";
    return `SHA256:${createHash("sha256").update(Buffer.from(blob, "base64")).digest("base64").replace(/=+$/, "")}`;
}
