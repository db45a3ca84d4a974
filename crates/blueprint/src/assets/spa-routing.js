// Single-page routing: every address without a file name is the application itself.
// A viewer-request function on the site's own behaviour only, so that the API's 403 and 404 stay what they are.
function handler(event) {
  var request = event.request;
  var file = request.uri.substring(request.uri.lastIndexOf('/') + 1);
  if (file.indexOf('.') === -1) {
    request.uri = '/index.html';
  }
  return request;
}
