import { createHash } from "node:crypto";
import type { Settings } from "../settings/settings.ts";

/** The tag of the data volume that names the login key, so that the next preview can notice another key. */
export const LOGIN_TAG = "linkmesh-proxy-login-key";

/**
 * Value of {@link LOGIN_TAG}: the key's fingerprint as ssh-keygen -l shows it, or "generated". A hash of the key's comment
 * follows, because the comment is part of the user data: another comment replaces the machine, too. Pure.
 */
export function loginKeyName({ sshPublicKey }: Pick<Settings, "sshPublicKey">): string {
    const [, blob, ...comment] = sshPublicKey.split(" ");
    if (blob === undefined) return "generated";
    const hash = (data: Buffer | string) => createHash("sha256").update(data);
    const fingerprint = `SHA256:${hash(Buffer.from(blob, "base64")).digest("base64").replace(/=+$/, "")}`;
    return comment.length === 0 ? fingerprint : `${fingerprint} ${hash(comment.join(" ")).digest("hex").slice(0, 8)}`;
}
