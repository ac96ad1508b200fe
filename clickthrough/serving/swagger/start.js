// places are relative to the page, so that they hold behind a proxy that adds a prefix
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // else the document is sent to validator.swagger.io
});
