// Starts GraphiQL on the endpoint that served the page.
const WELCOME = `# A query asks for exactly what it names. Ctrl-Space completes, Ctrl-Enter runs.
# Where an API key is needed, open "Headers" below and give it there:
#   {"Authorization": "Bearer <key>"}

{
  agents(first: 10) {
    nodes {
      id
      name
      status
    }
  }
}
`;

const root = ReactDOM.createRoot(document.getElementById("graphiql"));
root.render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: location.pathname, enableIncrementalDelivery: false }),
    defaultQuery: WELCOME,
    defaultEditorToolsVisibility: "headers",
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
  }),
);
