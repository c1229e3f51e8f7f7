//! Prints the OpenAPI document of a product at the URL given as the first argument.

fn main() {
    let public_url = std::env::args().nth(1);
    let public_url = public_url.as_deref().unwrap_or("http://127.0.0.1:8080");
    println!("{}", hoursmith_routes::openapi::json(public_url));
}
