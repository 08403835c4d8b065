import { z } from "zod";
import { cidr, host, optional, text } from "./types.ts";
import { hostKey, publicKey, sshPrivateKey } from "./keys.ts";
import { setting } from "./setting.ts";

/** Who reaches what. */
export const ACCESS_SETTINGS = {
    sshAllowedCidrs: setting({
        type: "array",
        description:
            "Networks that may reach port 22, as CIDR blocks of either family. The machine is set up over SSH, so the address that runs `pulumi up` belongs to it. A network of all addresses (/0) is taken with a warning.",
        example: "198.51.100.7/32",
        change: ["firewall rules change"],
        schema: z.array(cidr).min(1, "must name at least one network: the address from which `pulumi up` runs"),
    }),
    sshPublicKey: setting({
        type: "string",
        description:
            "SSH public key to log in with, in authorized_keys form. By default a key pair is generated and kept in the stack's state. Another key replaces the machine.",
        default: "",
        example: "ssh-ed25519 AAAA… platform",
        change: ["new machine"],
        schema: optional(publicKey),
    }),
    sshPrivateKey: setting({
        type: "string",
        description: "The private key that belongs to sshPublicKey, in PEM or OpenSSH form and without a passphrase.",
        default: "",
        example: "-----BEGIN OPENSSH PRIVATE KEY-----…",
        change: [],
        changeNote: "another key needs another sshPublicKey, which replaces the machine",
        secret: true,
        schema: optional(sshPrivateKey),
    }),
    bastionHost: setting({
        type: "string",
        description: "Reach the machine's port 22 through this SSH host. sshAllowedCidrs then names its address alone.",
        default: "",
        example: "bastion.example.com",
        change: [],
        schema: optional(host),
    }),
    bastionUser: setting({
        type: "string",
        description: "The login name on the bastion.",
        default: "admin",
        example: "ec2-user",
        change: [],
        schema: text.regex(/^[a-z_][a-z0-9_.-]*$/i, "must be a login name"),
    }),
    bastionHostKey: setting({
        type: "string",
        description:
            "The bastion's public host key, as `ssh-keyscan -t ed25519` shows it without the host. Any other is refused.",
        default: "",
        example: "ssh-ed25519 AAAA…",
        change: [],
        schema: optional(hostKey),
    }),
    bastionPrivateKey: setting({
        type: "string",
        description: "The private key with which the bastion lets in, in PEM or OpenSSH form and without a passphrase.",
        default: "",
        example: "-----BEGIN OPENSSH PRIVATE KEY-----…",
        change: [],
        secret: true,
        schema: optional(sshPrivateKey),
    }),
    httpsAllowedCidrs: setting({
        type: "array",
        description:
            "Networks that may reach port 443, and port 80 unless http-01 needs it open, as CIDR blocks. By default the world.",
        default: [],
        example: "198.51.100.0/24",
        change: ["firewall rules change"],
        schema: z.array(cidr),
    }),
    grpcAllowedCidrs: setting({
        type: "array",
        description: "Networks that may reach port 50051, as CIDR blocks. By default the world.",
        default: [],
        example: "198.51.100.0/24",
        change: ["firewall rules change"],
        schema: z.array(cidr),
    }),
    trustedProxies: setting({
        formerName: "trustedHops",
        type: "array",
        description:
            "Networks of a CDN or load balancer before the machine, whose X-Forwarded-For names the client. From anywhere else the header is dropped. By default none.",
        default: [],
        example: "203.0.113.0/24",
        change: ["nginx reloads"],
        schema: z.array(cidr),
    }),
} as const;
