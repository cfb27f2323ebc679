quotes " and ' and """
a raw literal that ends )" and )sql" and )delimiter"
backslashes \ \\ \n \x41 \
${X} and $ENV{HOME} and @Y@ and $<TARGET_FILE:x>
a;b;c [x;y] ]] [=[ ]=] #not a comment
percent %s %% trigraph ??=
tab	here, CR at the end
Grüße, 日本語, 🚀
