//! Does a client prefer a page to JSON? Its `Accept` header decides.

use actix_web::http::header::{self, HeaderMap};

/// Returns whether `Accept` names `text/html` and prefers it to JSON. `*/*`, no header, and equal preference mean JSON.
pub(super) fn prefers_page(headers: &HeaderMap) -> bool {
    // Almost every probe sends `*/*` or nothing.
    if headers.get_all(header::ACCEPT).all(|value| value == "*/*") {
        return false;
    }
    let mut page = 0.0;
    let mut json = None;
    let mut any = 0.0;
    let values = headers.get_all(header::ACCEPT);
    let ranges = values.filter_map(|value| value.to_str().ok());
    for range in ranges.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts
            .filter_map(|part| part.split_once('='))
            .find_map(|(name, value)| {
                let is_quality = name.trim().eq_ignore_ascii_case("q");
                is_quality.then(|| value.trim().parse::<f32>().unwrap_or(0.0))
            });
        let quality = quality.unwrap_or(1.0);
        match kind.as_str() {
            "text/html" => page = quality,
            "application/json" => json = Some(quality),
            "application/*" | "*/*" => any = f32::max(any, quality),
            _ => {}
        }
    }
    page > 0.0 && json.map_or(page >= any, |json| page > json)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn prefers(values: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::ACCEPT, HeaderValue::from_static(value));
        }
        prefers_page(&headers)
    }

    #[test]
    fn browsers_get_a_page() {
        for accept in [
            // Firefox, Chrome, Safari, Internet Explorer
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
            "text/html, application/xhtml+xml, */*",
            "text/html",
            "TEXT/HTML; charset=utf-8",
            "text/html;q=0.9, application/json;q=0.8",
        ] {
            assert!(prefers(&[accept]), "{accept}");
        }
        assert!(prefers(&["text/html", "*/*;q=0.1"]));
    }

    #[test]
    fn programs_get_json() {
        for accept in [
            "*/*",
            "",
            "application/json",
            "application/json, text/html",
            "text/html, application/json",
            "text/html;q=0.5, application/json;q=0.9",
            "text/html;q=0.5, */*",
            "text/html;q=0, */*;q=0.1",
            "text/html;q=much",
            "text/*",
            "text/plain, text/*, */*",
            "text/htmlx",
            ",;=;q=,",
        ] {
            assert!(!prefers(&[accept]), "{accept}");
        }
        assert!(!prefers(&[]));
    }
}
