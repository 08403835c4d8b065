import { connectTls } from "./dial.ts";
import { day, issuer, judgeExpiry, judgeTrust, names, SET_ANOTHER } from "./trust.ts";
import { fail, ok, warn, type Check } from "./types.ts";

/** The public certificate: whom it names, who signed it, and how long it lasts. */
export const certificate: Check = {
    name: "certificate",
    async run(at) {
        const connection = await connectTls(at, at.httpsPort, ["http/1.1"]);
        connection.socket.destroy();
        const trust = judgeTrust(connection, at);
        if (trust.status === "fail") return trust;

        const shown = connection.certificate;
        const { days, status } = judgeExpiry(shown.validFrom, shown.validTo);
        if (status !== "ok") {
            return (status === "fail" ? fail : warn)(
                `the certificate expires in ${days} days, on ${day(shown.validTo)}` +
                    (at.ownCertificate ? ", and nothing renews it" : ": its renewal is late"),
                at.ownCertificate
                    ? SET_ANOTHER
                    : "check on the machine: systemctl status certbot.timer; certbot renew --dry-run",
            );
        }
        if (trust.status === "warn") return trust;
        return ok(
            `${names(shown).join(", ")} by ${issuer(shown)}, ${days} days left (${day(shown.validTo)}), ` +
                `serial ${shown.serialNumber.toLowerCase()}`,
        );
    },
};
