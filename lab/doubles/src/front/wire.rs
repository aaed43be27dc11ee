//! Answers and errors as the two protocols have them.

use aws_smithy_cbor::Encoder;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::xml::Element;

/// Why a call is refused, in the service's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    status: u16,
    code: &'static str,
    message: String,
}

impl Failure {
    /// A refusal with a status and a code that the service documents.
    pub(super) fn new(status: u16, code: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned() }
    }

    /// The request is wrong.
    pub(super) fn sender(code: &'static str, message: String) -> Self {
        Self { status: 400, code, message }
    }

    /// A double does not work.
    pub(super) fn internal(error: &anyhow::Error) -> Self {
        Self { status: 500, code: "InternalFailure", message: format!("{error:#}") }
    }

    /// Its code.
    #[cfg(test)]
    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Whose fault it is.
    fn kind(&self) -> &'static str {
        if self.status < 500 { "Sender" } else { "Receiver" }
    }
}

/// RDS' answer.
pub(super) fn query_answer(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/xml")], text).into_response()
}

/// RDS' error.
pub(super) fn query_error(failure: &Failure) -> Response {
    let mut error = Element::new("Error");
    error.text("Type", failure.kind());
    error.text("Code", failure.code);
    error.text("Message", &failure.message);
    let mut response = Element::new("ErrorResponse");
    response.child(error);
    response.text("RequestId", super::xml::REQUEST);
    (failure.status(), query_answer(response.document())).into_response()
}

/// CloudWatch's answer.
pub(super) fn cbor(status: StatusCode, body: Vec<u8>) -> Response {
    let protocol = HeaderName::from_static("smithy-protocol");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/cbor")),
        (protocol, HeaderValue::from_static("rpc-v2-cbor")),
    ];
    (status, headers, body).into_response()
}

/// CloudWatch's error; the header is for clients that know it by its older protocol.
pub(super) fn cbor_error(failure: &Failure) -> Response {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(2).str("__type").str(&format!("com.amazonaws.cloudwatch#{}", failure.code));
    encoder.str("message").str(&failure.message);
    let mut response = cbor(failure.status(), encoder.into_writer());
    let told = format!("{};{}", failure.code, failure.kind());
    if let Ok(value) = HeaderValue::from_str(&told) {
        response.headers_mut().insert("x-amzn-query-error", value);
    }
    response
}
