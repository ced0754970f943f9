//! What somebody signs in with, in words that they know it again by. Nothing else is kept of what a browser says of itself.

use serde::{Deserialize, Serialize};

use crate::{invalid::Invalid, schema};

/// A browser or an app on a system, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Such as `Chrome`; none for a program or an unknown one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// Such as `Android`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

/// By what a user agent is known, and its name. Apps and the smaller browsers come first: they name the larger ones, too.
const BROWSERS: [(&str, &str); 15] = [
    ("KAKAOTALK", "KakaoTalk"),
    ("NAVER(", "Naver"),
    ("Instagram", "Instagram"),
    ("FBAN", "Facebook"),
    ("Line/", "LINE"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Whale/", "Whale"),
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
];

/// An iPhone calls itself like a Mac and Android like Linux, so they come first.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

impl Device {
    /// What a `User-Agent` tells.
    pub fn of(user_agent: &str) -> Self {
        let first = |names: &[(&str, &str)]| {
            let found = names.iter().find(|(mark, _)| user_agent.contains(mark));
            found.map(|(_, name)| (*name).to_owned())
        };
        // Safari is what has its name and no other.
        let safari = || user_agent.contains("Safari/").then(|| "Safari".to_owned());
        Self { browser: first(&BROWSERS).or_else(safari), system: first(&SYSTEMS) }
    }
}

text!(
    /// A country by its two letters (ISO 3166-1).
    personal Country,
    two_letters,
    |doc| schema::text(doc, "KR").pattern(Some("^[A-Z]{2}$"))
);

fn two_letters(given: &str) -> Result<String, Invalid> {
    let two = given.len() == 2 && given.bytes().all(|byte| byte.is_ascii_uppercase());
    if two { Ok(given.to_owned()) } else { Err(Invalid::Format { expected: "KR" }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_told_in_words() {
        let apple = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
        let google = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0";
        let android = "Mozilla/5.0 (Linux; Android 15; SM-S931N)";
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
        let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)";
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X)";
        for (agent, browser, system) in [
            (format!("{windows} {google} Safari/537.36"), "Chrome", "Windows"),
            (format!("{windows} {google} Safari/537.36 Edg/141.0.0.0"), "Edge", "Windows"),
            (format!("{windows} {google} Whale/4.34.340.19 Safari/537.36"), "Whale", "Windows"),
            (format!("{mac} {apple} Version/18.6 Safari/605.1.15"), "Safari", "macOS"),
            (
                format!("{phone} {apple} Version/18.6 Mobile/15E148 Safari/604.1"),
                "Safari",
                "iPhone",
            ),
            (format!("{phone} {apple} CriOS/141.0 Mobile/15E148 Safari/604.1"), "Chrome", "iPhone"),
            (
                format!("{phone} {apple} Mobile/15E148 NAVER(inapp; search; 1000)"),
                "Naver",
                "iPhone",
            ),
            (
                format!("{android} {google} Mobile Safari/537.36;KAKAOTALK 2510"),
                "KakaoTalk",
                "Android",
            ),
            (
                format!("{android} SamsungBrowser/28.0 {google} Mobile Safari/537.36"),
                "Samsung Internet",
                "Android",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0".into(),
                "Firefox",
                "Linux",
            ),
        ] {
            let device = Device::of(&agent);
            let told = (device.browser.as_deref(), device.system.as_deref());
            assert_eq!(told, (Some(browser), Some(system)), "{agent}");
        }
    }

    #[test]
    fn of_what_is_unknown_nothing_is_kept() {
        for agent in ["", "curl/8.5.0", "나의 장치 <script>", &"x".repeat(8_192)] {
            assert_eq!(Device::of(agent), Device::default(), "{agent}");
        }
    }

    #[test]
    fn a_country_is_two_capital_letters() {
        assert!("KR".parse::<Country>().is_ok());
        for bad in ["", "K", "kr", "KOR", "K1", "é"] {
            assert!(bad.parse::<Country>().is_err(), "{bad}");
        }
    }
}
