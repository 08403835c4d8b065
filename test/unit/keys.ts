import { generateKey } from "../../lab/providers/tls/keys.ts";

/** Two key pairs, as a user would bring them. */
export const LOGIN = await generateKey({ algorithm: "ED25519" });
export const OTHER = await generateKey({ algorithm: "ED25519" });

/** Settings of a login with a key of one's own, and of a bastion. */
export const OWN_LOGIN = { sshPublicKey: LOGIN.publicKeyOpenssh.trim(), sshPrivateKey: LOGIN.privateKeyOpenssh };
export const BASTION = {
    bastionHost: "bastion.example.com",
    bastionHostKey: OTHER.publicKeyOpenssh.trim(),
    bastionPrivateKey: OTHER.privateKeyOpenssh,
};

/** An RSA key, of which only the public part is needed. */
export const RSA_LINE = (await generateKey({ algorithm: "RSA", rsaBits: 2048 })).publicKeyOpenssh.trim();
