import { createHash } from "node:crypto";
import type { Settings } from "../settings/settings.ts";

/** The tag of the data volume that tells which key logs in: the next preview sees by it that another one is set. */
export const LOGIN_TAG = "linkmesh-proxy-login-key";

/**
 * Value of {@link LOGIN_TAG}: the key's fingerprint as ssh-keygen -l shows it, or "generated". Its comment is a part of the
 * user data, so that another one replaces the machine as well, and stands behind it as a hash. Pure.
 */
export function loginKeyName({ sshPublicKey }: Pick<Settings, "sshPublicKey">): string {
    const [, blob, ...comment] = sshPublicKey.split(" ");
    if (blob === undefined) return "generated";
    const hash = (data: Buffer | string) => createHash("sha256").update(data);
    const fingerprint = `SHA256:${hash(Buffer.from(blob, "base64")).digest("base64").replace(/=+$/, "")}`;
    return comment.length === 0 ? fingerprint : `${fingerprint} ${hash(comment.join(" ")).digest("hex").slice(0, 8)}`;
}
