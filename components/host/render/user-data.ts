import { stringify } from "yaml";

export interface UserDataArgs {
    /** The machine's SSH host key, private in OpenSSH form and public: so it is known from the first connection on. */
    hostPrivateKey: string;
    hostPublicKey: string;
    /** Who may log in, in authorized_keys form. */
    authorizedKey: string;
}

/**
 * cloud-init user data. As little as possible: a change of it replaces the machine. Pure.
 * The image's other host keys are removed and none is made anew (cloud-init's ssh_deletekeys).
 */
export function renderUserData({ hostPrivateKey, hostPublicKey, authorizedKey }: UserDataArgs): string {
    const config = {
        ssh_deletekeys: true,
        ssh_keys: { ed25519_private: hostPrivateKey, ed25519_public: hostPublicKey.trim() },
        ssh_authorized_keys: [authorizedKey.trim()],
        ssh_pwauth: false,
    };
    return `#cloud-config\n${stringify(config, { lineWidth: 0 })}`;
}
