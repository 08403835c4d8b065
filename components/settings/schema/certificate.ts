import { z } from "zod";
import { acmeDirectory, certificateName, choice, flag, optional, pem, text } from "./types.ts";
import { tlsPrivateKey } from "./keys.ts";
import { setting } from "./setting.ts";

/** Where the certificate comes from. */
export const CERTIFICATE_SETTINGS = {
    acmeDirectory: setting({
        type: "string",
        description:
            "Where the certificate comes from: staging (Let's Encrypt for trying out, not trusted by browsers), production (Let's Encrypt, at most 5 certificates for the same name a week), or the https URL of any ACME directory.",
        default: "staging",
        example: "production",
        change: ["new certificate", "nginx reloads"],
        changeNote: "going back to a directory that was used before orders nothing while its certificate is valid",
        schema: acmeDirectory,
    }),
    acmeEmail: setting({
        type: "string",
        description:
            "Contact address of the ACME account. Let's Encrypt has sent no mail since June 2025; other authorities may want one.",
        default: "",
        example: "platform@example.com",
        change: [],
        changeNote: "counts when an ACME account is created",
        schema: optional(
            // What certbot takes, and its command line.
            text
                .max(254, "must be at most 254 characters long")
                .regex(
                    /^(?![.-])(?!.*\.\.)[A-Za-z0-9._%+-]+@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}$/,
                    "must be an e-mail address such as platform@example.com",
                ),
        ),
    }),
    acmeCaBundle: setting({
        type: "string",
        description:
            "PEM certificates that the ACME directory's own https certificate is verified with, for a private CA.",
        default: "",
        example: "-----BEGIN CERTIFICATE-----…",
        change: [],
        changeNote: "counts from the next order or renewal on",
        schema: optional(pem("CERTIFICATE")),
    }),
    acmeChallenge: setting({
        type: "string",
        description:
            "How the authority sees that the names are yours: http-01 on port 80, or dns-01 by a TXT record in the Route 53 zone, which the machine may write by its instance role. dns-01 does wildcards, and needs no port 80.",
        default: "http-01",
        example: "dns-01",
        change: ["firewall rules change", "new certificate", "nginx reloads"],
        schema: choice(["http-01", "dns-01"], 'must be "http-01" or "dns-01"'),
    }),
    acmeEabKeyId: setting({
        type: "string",
        description: "Key identifier of the external account binding that some ACME authorities ask for.",
        default: "",
        example: "kid-1",
        change: [],
        changeNote: "counts when an ACME account is created",
        schema: optional(
            // Nothing that certbot's file of options reads as anything else.
            text.regex(/^[A-Za-z0-9_-][A-Za-z0-9._~:/+=@-]*$/, "must be one word, as the authority shows it"),
        ),
    }),
    acmeEabHmacKey: setting({
        type: "string",
        description: "The HMAC key of that binding, in base64url as the authority shows it.",
        default: "",
        example: "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
        change: [],
        changeNote: "counts when an ACME account is created",
        secret: true,
        schema: optional(
            text
                .overwrite((key) => key.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""))
                .refine((key) => /^[A-Za-z0-9_-]+$/.test(key) && key.length % 4 !== 1, "must be base64url text"),
        ),
    }),
    certificateNames: setting({
        type: "array",
        description:
            "The names in the certificate, wildcards included; together they cover domain and uiDomain. By default just those: for gRPC LinkMesh has a certificate of its own.",
        default: [],
        example: "*.example.com",
        change: ["new certificate", "nginx reloads"],
        schema: z
            .array(certificateName)
            .max(100, "must hold at most 100 names, as many as Let's Encrypt puts in a certificate"),
    }),
    tlsCertificate: setting({
        type: "string",
        description:
            "A certificate of your own in place of an ACME one: PEM, its chain after it. A new one takes its place without dropping a session. Nothing renews it.",
        default: "",
        example: "-----BEGIN CERTIFICATE-----…",
        change: ["firewall rules change", "new certificate", "nginx reloads"],
        changeNote: "a renewed certificate leaves the firewall rules alone",
        schema: optional(pem("CERTIFICATE")),
    }),
    tlsPrivateKey: setting({
        type: "string",
        description: "The private key of tlsCertificate, PEM without a passphrase.",
        default: "",
        example: "-----BEGIN PRIVATE KEY-----…",
        change: ["firewall rules change", "new certificate", "nginx reloads"],
        changeNote: "changes together with tlsCertificate",
        secret: true,
        schema: optional(tlsPrivateKey),
    }),
    httpRedirect: setting({
        type: "boolean",
        description: "Answer on port 80 with a redirect to https. http-01 needs the port.",
        default: true,
        example: "false",
        change: ["firewall rules change", "nginx reloads"],
        schema: flag,
    }),
} as const;
