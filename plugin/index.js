const { componentProviderHost } = require("@pulumi/pulumi/provider/experimental");

// Pulumi starts the component package here.
module.exports = import("../dist/index.js").then(({ LinkMesh }) =>
    componentProviderHost({ name: "linkmesh-proxy", dirname: __dirname, components: [LinkMesh] }),
);
